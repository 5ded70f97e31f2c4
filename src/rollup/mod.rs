//! Roll-ups: the background job that counts finished days once, so that reports over long periods
//! read days instead of events.

pub mod job;
