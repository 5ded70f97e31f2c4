//! The C functions of libchdb that are used, with the signatures of `chdb.h` of libchdb 26.7.3.

use std::ffi::{c_char, c_int, c_void};

pub type ConnectionHandle = *mut c_void;
pub type ResultHandle = *mut c_void;
pub type InsertHandle = *mut c_void;

/// What `chdb_classify_query_n` fills in; `struct_size` is set by the caller.
#[repr(C)]
pub struct Analysis {
    pub struct_size: u32,
    pub statement_count: u32,
    pub flags: u32,
    pub query_class: u32,
}

/// The functions that are used, as declared in `chdb.h`.
pub struct Functions {
    pub set_signal_handlers_enabled: unsafe extern "C" fn(c_int),
    pub connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut ConnectionHandle,
    pub close_conn: unsafe extern "C" fn(*mut ConnectionHandle),
    pub shutdown: unsafe extern "C" fn() -> c_int,
    pub classify_query_n: unsafe extern "C" fn(
        ConnectionHandle,
        *const c_char,
        usize,
        *const c_char,
        usize,
        *mut Analysis,
    ) -> c_int,
    pub query_with_params_n: QueryWithParams,
    pub stream_query_with_params_n: QueryWithParams,
    pub stream_fetch_result: unsafe extern "C" fn(ConnectionHandle, ResultHandle) -> ResultHandle,
    pub stream_cancel_query: unsafe extern "C" fn(ConnectionHandle, ResultHandle),
    pub destroy_query_result: unsafe extern "C" fn(ResultHandle),
    pub result_error: unsafe extern "C" fn(ResultHandle) -> *const c_char,
    pub result_buffer: unsafe extern "C" fn(ResultHandle) -> *const c_char,
    pub result_length: unsafe extern "C" fn(ResultHandle) -> usize,
    pub result_rows_read: unsafe extern "C" fn(ResultHandle) -> u64,
    pub result_storage_rows_read: unsafe extern "C" fn(ResultHandle) -> u64,
    pub result_storage_bytes_read: unsafe extern "C" fn(ResultHandle) -> u64,
    pub result_rows_written: unsafe extern "C" fn(ResultHandle) -> u64,
    pub result_bytes_written: unsafe extern "C" fn(ResultHandle) -> u64,
    pub stream_insert_with_params_n: QueryWithParams,
    pub stream_append: unsafe extern "C" fn(InsertHandle, *const c_void, usize) -> c_int,
    pub stream_done: unsafe extern "C" fn(InsertHandle) -> ResultHandle,
    pub stream_insert_error: unsafe extern "C" fn(InsertHandle) -> *const c_char,
    pub destroy_insert_stream: unsafe extern "C" fn(InsertHandle),
}

/// connection, query and its length, format and its length, names, name lengths, values, value
/// lengths, count.
pub type QueryWithParams = unsafe extern "C" fn(
    ConnectionHandle,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> *mut c_void;

impl Functions {
    /// Finds every function in the library.
    pub fn find(library: &libloading::Library) -> Result<Self, libloading::Error> {
        macro_rules! symbol {
            ($name:literal) => {
                // SAFETY: the field's type is this function's signature in chdb.h of libchdb 26.7.
                *unsafe { library.get(concat!("chdb_", $name).as_bytes()) }?
            };
        }
        Ok(Self {
            set_signal_handlers_enabled: symbol!("set_signal_handlers_enabled"),
            connect: symbol!("connect"),
            close_conn: symbol!("close_conn"),
            shutdown: symbol!("shutdown"),
            classify_query_n: symbol!("classify_query_n"),
            query_with_params_n: symbol!("query_with_params_n"),
            stream_query_with_params_n: symbol!("stream_query_with_params_n"),
            stream_fetch_result: symbol!("stream_fetch_result"),
            stream_cancel_query: symbol!("stream_cancel_query"),
            destroy_query_result: symbol!("destroy_query_result"),
            result_error: symbol!("result_error"),
            result_buffer: symbol!("result_buffer"),
            result_length: symbol!("result_length"),
            result_rows_read: symbol!("result_rows_read"),
            result_storage_rows_read: symbol!("result_storage_rows_read"),
            result_storage_bytes_read: symbol!("result_storage_bytes_read"),
            result_rows_written: symbol!("result_rows_written"),
            result_bytes_written: symbol!("result_bytes_written"),
            stream_insert_with_params_n: symbol!("stream_insert_with_params_n"),
            stream_append: symbol!("stream_append"),
            stream_done: symbol!("stream_done"),
            stream_insert_error: symbol!("stream_insert_error"),
            destroy_insert_stream: symbol!("destroy_insert_stream"),
        })
    }
}
