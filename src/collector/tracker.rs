//! `/s.js`, `/s.extra.js` and `/s/…`: the files of [`tracker_files`](crate::tracker_files).

use crate::access::call::Call;
use crate::http::response::Answer;

/// A file of the tracker.
pub async fn file(call: Call) -> Answer {
    let path = call.request.uri().path();
    call.app.releases.serve(path, call.headers()).await
}
