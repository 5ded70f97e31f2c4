//! On any disk: every acknowledged record is inserted, and none is inserted twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::faulty_disk::{FaultyDisk, Op};
use super::{Store, open_on, read, record, sealed_now};
use crate::Spool;

#[derive(Debug, Clone)]
enum Action {
    /// Concurrent appends: how many, and the length of the records.
    Append {
        count: u8,
        length: u16,
    },
    Seal,
    /// Insert the oldest. The answer arrives or is lost, and the deletion is tried or not.
    Insert {
        is_answered: bool,
    },
    Fail {
        op: Op,
        calls: u8,
        failing: u8,
    },
    Fill {
        spare: u32,
    },
    Heal,
    Kill,
    CutPower {
        calls: u8,
        seed: u64,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let op = prop::sample::select(vec![
        Op::Create,
        Op::Write,
        Op::SetLen,
        Op::Sync,
        Op::Rename,
        Op::Remove,
        Op::SyncDir,
    ]);
    prop_oneof![
        8 => (1u8..40, 12u16..4000).prop_map(|(count, length)| Action::Append { count, length }),
        2 => Just(Action::Seal),
        4 => any::<bool>().prop_map(|is_answered| Action::Insert { is_answered }),
        4 => (op, 0u8..4, 1u8..4).prop_map(|(op, calls, failing)| Action::Fail { op, calls, failing }),
        1 => (0u32..60_000).prop_map(|spare| Action::Fill { spare }),
        2 => Just(Action::Heal),
        1 => Just(Action::Kill),
        1 => (0u8..12, any::<u64>()).prop_map(|(calls, seed)| Action::CutPower { calls, seed }),
    ]
}

/// Everything outside the spool.
struct World {
    disk: Arc<FaultyDisk>,
    spool: Option<Spool>,
    store: Store,
    appended: u64,
    acknowledged: BTreeSet<u64>,
    /// Refused since the last crash: these must not be stored.
    refused: BTreeSet<u64>,
    seed: u64,
}

impl World {
    fn spool(&self) -> &Spool {
        self.spool.as_ref().unwrap()
    }

    fn crash(&mut self) {
        self.spool = None;
        self.refused.clear();
        self.disk.heal();
        self.disk.reboot(self.seed);
        self.spool = Some(open_on(&self.disk).unwrap());
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Append { count, length } => {
                let first = self.appended;
                self.appended += u64::from(count);
                let appends = (first..self.appended).map(|number| {
                    let spool = self.spool().clone();
                    let record = record(number, usize::from(length));
                    tokio::spawn(async move { (number, spool.append(record).await) })
                });
                for append in appends.collect::<Vec<_>>() {
                    match append.await.unwrap() {
                        (number, Ok(())) => self.acknowledged.insert(number),
                        (number, Err(error)) => {
                            assert!(error.is_transient(), "{error}");
                            self.refused.insert(number)
                        }
                    };
                }
            }
            // May fail, and then must lose nothing.
            Action::Seal => drop(self.spool().seal().await),
            Action::Insert { is_answered } => {
                if let Some(sealed) = sealed_now(self.spool()).await {
                    let Ok((chunks, records)) = read(&sealed) else {
                        assert!(
                            self.disk.is_off(),
                            "only the power may keep us from reading"
                        );
                        return;
                    };
                    assert_eq!(records, sealed.records());
                    self.store.insert(sealed.id(), chunks);
                    if is_answered {
                        // May fail, and then must not return as a new segment.
                        let _ = self.spool().delete(sealed).await;
                    } else {
                        self.spool().give_back(sealed);
                    }
                }
            }
            Action::Fail { op, calls, failing } => {
                self.disk.fail(op, calls.into(), failing.into());
            }
            Action::Fill { spare } => {
                self.disk
                    .set_bytes_max(Some(self.disk.bytes() + u64::from(spare)));
            }
            Action::Heal => self.disk.heal(),
            // The page cache survives the process, so nothing is rolled back.
            Action::Kill => {
                if !self.disk.is_off() {
                    self.spool = None;
                    self.refused.clear();
                    self.disk.heal();
                    self.spool = Some(open_on(&self.disk).unwrap());
                }
            }
            Action::CutPower { calls, seed } => {
                self.seed = seed;
                self.disk.cut_power_after(calls.into());
            }
        }
    }
}

async fn run(actions: Vec<Action>) {
    let disk = FaultyDisk::new();
    let mut world = World {
        spool: Some(open_on(&disk).unwrap()),
        disk,
        store: Store::default(),
        appended: 0,
        acknowledged: BTreeSet::new(),
        refused: BTreeSet::new(),
        seed: 1,
    };
    for action in actions {
        world.act(action).await;
        // In half of the runs the process goes on for a while without power.
        if world.disk.is_off() && world.seed.is_multiple_of(2) {
            world.crash();
        }
    }
    if world.disk.is_off() {
        world.crash();
    }
    world.disk.heal();
    world.spool().seal().await.unwrap();
    world.store.drain(world.spool.as_ref().unwrap()).await;
    let stats = world.spool().stats();
    assert_eq!(stats.corrupt_records, 0);
    // A segment that could not be deleted before is handed out again by the next process, under the
    // same token.
    world.spool = None;
    let spool = open_on(&world.disk).unwrap();
    world.store.drain(&spool).await;

    let stored = world.store.numbers();
    let once: BTreeSet<_> = stored.iter().copied().collect();
    assert_eq!(stored.len(), once.len(), "stored twice");
    let lost: Vec<_> = world.acknowledged.difference(&once).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let ghosts: Vec<_> = world.refused.intersection(&once).collect();
    assert!(ghosts.is_empty(), "refused and stored: {ghosts:?}");
    let stats = spool.stats();
    assert_eq!((stats.bytes, stats.segments), (0, 0), "{stats:?}");
    // The first write to a segment may lose its header and keep records. None of them was
    // acknowledged.
    let mut names = world.disk.names();
    names.retain(|name| !name.ends_with(".quarantine"));
    assert_eq!(names, Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn acknowledged_records_are_stored_exactly_once_on_any_disk(
        actions in prop::collection::vec(action(), 1..40),
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(run(actions));
    }
}
