//! A disk in memory with the faults of real disks: it fails, writes half, drops what it failed to
//! sync and marks it clean, fills up, reports syncs it did not do, and loses power with any subset
//! of its unsynced sectors written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, Entry, Space};

const SECTOR: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    Create,
    Open,
    Write,
    SetLen,
    Sync,
    Rename,
    Remove,
    SyncDir,
}

pub struct FaultyDisk {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    /// Current names, names as of the last sync of the folder, and the changes since.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    since: Vec<(Option<String>, Option<String>, usize)>,
    inodes: Vec<Inode>,
    /// Upcoming failures by kind of call: how many calls still succeed, and how many then fail.
    faults: BTreeMap<Op, (u32, u32)>,
    /// Calls left before the power fails.
    power: Option<u32>,
    is_off: bool,
    is_lying: bool,
    bytes_max: Option<u64>,
    is_boasting: bool,
    /// Syncs and bytes read so far.
    syncs: u64,
    bytes_read: u64,
    /// While set, syncs do not return.
    is_held: bool,
}

#[derive(Default, Clone)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

struct FaultyFile {
    disk: Arc<FaultyDisk>,
    inode: usize,
}

/// In its own `Arc`, so that files can hold it.
pub struct Shared(pub Arc<FaultyDisk>);

impl FaultyDisk {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            released: Condvar::new(),
        })
    }

    /// After `calls` more of this kind, the next `failing` fail.
    pub fn fail(&self, op: Op, calls: u32, failing: u32) {
        self.lock().faults.insert(op, (calls, failing));
    }

    /// How many calls of this kind have failed since they were set to fail without end.
    pub fn failures(&self, op: Op) -> u32 {
        let state = self.lock();
        u32::MAX - state.faults.get(&op).map_or(0, |(_, failing)| *failing)
    }

    /// The power fails after this many more calls of any kind.
    pub fn cut_power_after(&self, calls: u32) {
        self.lock().power = Some(calls);
    }

    /// Whether the power has failed.
    pub fn is_off(&self) -> bool {
        self.lock().is_off
    }

    /// From now on a sync reports success and does nothing.
    pub fn lie(&self) {
        self.lock().is_lying = true;
    }

    pub fn set_bytes_max(&self, bytes_max: Option<u64>) {
        self.lock().bytes_max = bytes_max;
    }

    /// Has space for `spare` more bytes while it reports plenty.
    pub fn fail_full(&self, spare: u64) {
        let mut state = self.lock();
        state.bytes_max = Some(state.bytes() + spare);
        state.is_boasting = true;
    }

    pub fn bytes(&self) -> u64 {
        self.lock().bytes()
    }

    /// Makes syncs wait, or lets them continue.
    pub fn hold(&self, is_held: bool) {
        self.lock().is_held = is_held;
        self.released.notify_all();
    }

    pub fn bytes_read(&self) -> u64 {
        self.lock().bytes_read
    }

    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    pub fn names(&self) -> Vec<String> {
        self.lock().names.keys().cloned().collect()
    }

    /// Changes a file without the spool's knowledge.
    pub fn edit(&self, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        let inode = state.names[name];
        edit(&mut state.inodes[inode].live);
        state.inodes[inode].durable = state.inodes[inode].live.clone();
    }

    /// Ends all failures, current and upcoming. A power failure remains.
    pub fn heal(&self) {
        let mut state = self.lock();
        state.power = None;
        state.faults.clear();
        state.bytes_max = None;
        state.is_boasting = false;
        state.is_lying = false;
    }

    /// Power off and on again: of what was not synced, some sectors, lengths and the first name
    /// changes survive.
    pub fn reboot(&self, seed: u64) {
        let mut random = Random(seed | 1);
        let mut state = self.lock();
        let state = &mut *state;
        let made_it = random.below(state.since.len() as u64 + 1) as usize;
        for change in &state.since[..made_it] {
            apply(&mut state.durable_names, change);
        }
        state.since.clear();
        state.names = state.durable_names.clone();
        for inode in &mut state.inodes {
            let bytes = if random.below(2) == 0 {
                inode.live.len()
            } else {
                inode.durable.len()
            };
            inode.durable.resize(bytes, 0);
            let dirty = std::mem::take(&mut inode.dirty);
            inode.persist(dirty.into_iter().filter(|_| random.below(2) == 0));
            inode.live = inode.durable.clone();
        }
        state.is_off = false;
        state.power = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and fails it if it is due.
    fn call(&self, op: Op) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        match &mut state.power {
            Some(0) => state.is_off = true,
            Some(left) => *left -= 1,
            None => {}
        }
        if state.is_off {
            return Err(io::Error::other("no power"));
        }
        if let Some((wait, failing)) = state.faults.get_mut(&op) {
            if *wait > 0 {
                *wait -= 1;
            } else if *failing > 0 {
                *failing -= 1;
                return Err(io::Error::other("the disk failed"));
            }
        }
        Ok(state)
    }
}

impl State {
    fn bytes(&self) -> u64 {
        let inodes = self.names.values().map(|&inode| &self.inodes[inode]);
        inodes.map(|inode| inode.live.len() as u64).sum()
    }

    fn change(&mut self, old: Option<&str>, new: Option<&str>, inode: usize) {
        let change = (old.map(str::to_owned), new.map(str::to_owned), inode);
        apply(&mut self.names, &change);
        self.since.push(change);
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| ErrorKind::NotFound.into())
    }
}

fn apply(
    names: &mut BTreeMap<String, usize>,
    (old, new, inode): &(Option<String>, Option<String>, usize),
) {
    if let Some(old) = old {
        names.remove(old);
    }
    if let Some(new) = new {
        names.insert(new.clone(), *inode);
    }
}

impl Inode {
    fn persist(&mut self, sectors: impl Iterator<Item = usize>) {
        for sector in sectors {
            let start = sector * SECTOR;
            let end = (start + SECTOR)
                .min(self.live.len())
                .min(self.durable.len());
            if start < end {
                self.durable[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
    }
}

impl Disk for Shared {
    fn list(&self) -> io::Result<Vec<Entry>> {
        let state = self.0.lock();
        Ok(state
            .names
            .iter()
            .map(|(name, &inode)| Entry {
                name: name.clone(),
                bytes: Some(state.inodes[inode].live.len() as u64),
            })
            .collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.call(Op::Create)?;
        if state.names.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.change(None, Some(name), inode);
        let disk = Arc::clone(&self.0);
        Ok(Box::new(FaultyFile { disk, inode }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.0.call(Op::Open)?.find(name)?;
        let disk = Arc::clone(&self.0);
        Ok(Box::new(FaultyFile { disk, inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.call(Op::Rename)?;
        let inode = state.find(from)?;
        state.change(Some(from), Some(to), inode);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.call(Op::Remove)?;
        let inode = state.find(name)?;
        state.change(Some(name), None, inode);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.0.call(Op::SyncDir)?;
        if !state.is_lying {
            state.since.clear();
            state.durable_names = state.names.clone();
        }
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        let state = self.0.lock();
        let bytes_max = state.bytes_max.filter(|_| !state.is_boasting);
        let total = bytes_max.unwrap_or(1 << 40);
        let free = total.saturating_sub(state.bytes());
        Ok(Space { free, total })
    }
}

impl DiskFile for FaultyFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let called = self.disk.call(Op::Write);
        let is_failing = called.is_err();
        let mut state = match called {
            Ok(state) => state,
            Err(error) => {
                let state = self.disk.lock();
                if state.is_off {
                    return Err(error);
                }
                state
            }
        };
        // Every second call writes short; a failing one writes half.
        let mut length = if is_failing || bytes.len() % 2 == 1 {
            bytes.len().div_ceil(2)
        } else {
            bytes.len()
        };
        let offset = offset as usize;
        if let Some(bytes_max) = state.bytes_max {
            let grown = (offset + length).saturating_sub(state.inodes[self.inode].live.len());
            let over = (state.bytes() + grown as u64).saturating_sub(bytes_max) as usize;
            if over > 0 {
                length = length.saturating_sub(over);
                if length == 0 {
                    return Err(ErrorKind::StorageFull.into());
                }
            }
        }
        let inode = &mut state.inodes[self.inode];
        if inode.live.len() < offset + length {
            inode.live.resize(offset + length, 0);
        }
        inode.live[offset..offset + length].copy_from_slice(&bytes[..length]);
        inode
            .dirty
            .extend(offset / SECTOR..=(offset + length - 1) / SECTOR);
        if is_failing {
            return Err(io::Error::other("the disk failed half-way"));
        }
        Ok(length)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.lock();
        if state.is_off {
            return Err(io::Error::other("no power"));
        }
        state.bytes_read += bytes.len().min(1000) as u64;
        let live = &state.inodes[self.inode].live;
        let start = (offset as usize).min(live.len());
        // At most 1,000 bytes at once: no caller may rely on full reads.
        let length = bytes.len().min(live.len() - start).min(1000);
        bytes[..length].copy_from_slice(&live[start..start + length]);
        Ok(length)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.call(Op::SetLen)?;
        let inode = &mut state.inodes[self.inode];
        inode.live.resize(bytes as usize, 0);
        inode.dirty.insert(bytes as usize / SECTOR);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let called = self.disk.call(Op::Sync);
        let is_failing = called.is_err();
        let mut state = match called {
            Ok(state) => state,
            Err(error) => {
                let state = self.disk.lock();
                if state.is_off {
                    return Err(error);
                }
                state
            }
        };
        state.syncs += 1;
        state = self
            .disk
            .released
            .wait_while(state, |state| state.is_held)
            .unwrap_or_else(PoisonError::into_inner);
        let is_lying = state.is_lying;
        let inode = &mut state.inodes[self.inode];
        let dirty = std::mem::take(&mut inode.dirty);
        if is_failing {
            // The pages now count as clean, and the next sync succeeds without them.
            return Err(io::Error::other("the disk failed to sync"));
        }
        if is_lying {
            inode.dirty = dirty;
        } else {
            inode.durable.resize(inode.live.len(), 0);
            inode.persist(dirty.into_iter());
        }
        Ok(())
    }
}

/// Reproducible randomness to choose sectors with.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) % end
    }
}
