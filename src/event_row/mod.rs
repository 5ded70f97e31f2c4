//! An event as a row: the columns, their order, and their forms in the spool and on the way to
//! ClickHouse.

pub mod decode;
pub mod encode;
pub mod native;
pub mod stored;
