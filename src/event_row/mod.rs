//! An event as a row: the table of columns, their forms in the spool and in an INSERT, and what
//! they say of a visitor.

pub mod columns;
pub mod decode;
pub mod encode;
pub mod native;
pub mod stored;
