//! Integration tests: the real binary, through its sockets, on free ports and temporary folders.
//!
//! All are in one test binary, so that the program is linked once.

mod access;
mod canary;
mod choices;
mod collect;
mod counts;
mod crash;
mod demo;
mod door;
mod engine;
mod erasure;
mod exactly_once;
mod export;
mod external;
mod fence;
mod keys;
mod limits;
mod links;
mod login;
mod memory;
mod outage;
mod people;
mod proxies;
mod restart;
mod retention;
mod site_objects;
mod start;
mod stored;
mod tidy;
mod tracker;

#[path = "../support/mod.rs"]
mod support;
