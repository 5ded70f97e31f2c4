//! Scheduling priorities of the engine's threads.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Engine, SECRET, answer, escaped, open};
use crate::support::{IDLE, policies};

/// How many of the library's threads are last, of those that do not merge, and how many there are.
fn last(process_id: u32) -> (usize, usize) {
    let mut threads = policies(process_id);
    threads.retain(|(name, _)| {
        !["sillage", "serving", "parent", "MergeMutate"].contains(&name.as_str())
    });
    let last = threads.iter().filter(|(_, policy)| *policy == IDLE);
    (last.count(), threads.len())
}

#[test]
fn an_insert_of_many_rows_gives_way_until_somebody_asks_or_it_has_waited() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    // Where threads that are last would stay so, none is asked to be.
    let may_return = sillage::turns::may_return();
    let wait_for = |all_are_last: bool| {
        let begun = Instant::now();
        loop {
            let (last, threads) = last(engine.process_id());
            if last == if all_are_last { threads } else { 0 } && threads > 0 {
                return begun.elapsed();
            }
            let waited = begun.elapsed();
            assert!(waited.as_secs() < 20, "{last} of {threads} are last");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let arguments = format!(
        "query={}&user=sillage&password={SECRET}",
        escaped("INSERT INTO t FORMAT RowBinary")
    );
    let rows = vec![7; 3 << 20];
    let begin = || {
        let length = Some(rows.len() + 8);
        let mut stream = open(engine.address, "POST", &arguments, "", length);
        stream.write_all(&rows).expect("written");
        stream
    };
    let end = |mut stream: TcpStream| {
        stream.write_all(&[7; 8]).expect("written");
        let response = answer(stream);
        assert_eq!(response.status, 200, "{}", response.text());
    };

    wait_for(false);
    let insert = begin();
    wait_for(may_return);
    // It has waited long enough.
    let waited = wait_for(false);
    assert!(
        !may_return || waited > Duration::from_millis(500),
        "it gave way for {waited:?}"
    );
    end(insert);

    let insert = begin();
    wait_for(may_return);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| engine.run("SELECT sleep(2), count() FROM t"));
        // Sooner than its patience ends.
        let waited = wait_for(false);
        assert!(
            !asked.is_finished() && waited < Duration::from_millis(1_500),
            "who asked was waited for after {waited:?}"
        );
        let count = rows.len() / 8 + 1;
        assert_eq!(asked.join().expect("no panic"), format!("0\t{count}\n"));
    });
    end(insert);

    // Few rows are stored at once.
    engine.run("INSERT INTO t VALUES (1)");
    assert_eq!(last(engine.process_id()).0, 0);
}

#[test]
fn the_engine_ends_soon_on_a_busy_machine_though_its_merges_are_last() {
    let mut engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    for _ in 0..3 {
        engine.run("INSERT INTO t SELECT 7 FROM numbers(400000)");
    }
    let merges_last = |(name, policy): &(String, i32)| name == "MergeMutate" && *policy == IDLE;
    let begun = Instant::now();
    while !policies(engine.process_id()).iter().any(merges_last) {
        assert!(begun.elapsed() < Duration::from_secs(20), "they are not");
        std::thread::sleep(Duration::from_millis(20));
    }
    let is_over = AtomicBool::new(false);
    // Not for ever, for those who have to wait for it.
    let end = Instant::now() + Duration::from_secs(7);
    let spin = || {
        while !is_over.load(Ordering::Relaxed) && Instant::now() < end {
            std::hint::spin_loop();
        }
    };
    let processors = std::thread::available_parallelism().expect("a number");
    let took = std::thread::scope(|scope| {
        for _ in 0..2 * processors.get() {
            scope.spawn(spin);
        }
        let begun = Instant::now();
        drop(engine.input.take());
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| engine.wait()));
        is_over.store(true, Ordering::Relaxed);
        ended.map(|_| begun.elapsed())
    });
    let took = took.expect("it ends");
    // Who may not call threads back has to wait for those that merge.
    assert!(
        took < Duration::from_secs(5) || !sillage::turns::may_return(),
        "it took {took:?}"
    );
}
