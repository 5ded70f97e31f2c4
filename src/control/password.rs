//! Password hashing with argon2id, on one low-priority thread, so that a flood of log-ins does not
//! slow down beacons.
//!
//! **Why one thread.** A hash costs about 20 ms of a core and 19 MiB. The thread computes one at a
//! time at a lowered priority, and rests four times as long as it worked, so that even an endless
//! flood costs a fifth of one core. The queues are bounded. Browsers that logged in before have a
//! queue of their own, which log-ins from unknown browsers can't fill.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::control::error::ControlError;

/// Memory of one hash, KiB. With [`PASSES`], this is OWASP's recommendation for argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// Random bytes that are hashed with a password.
pub const SALT_BYTES: usize = 16;
/// Fewest characters of a new password. There is no other rule: length is what helps.
pub const CHARACTERS_MIN: usize = 12;
/// Most bytes of a password. More would not make it harder to guess.
pub const BYTES_MAX: usize = 256;
/// Most passwords that wait in each of the two queues.
pub const LANE_MAX: usize = 8;
/// Factor of the rest after each hash: the thread rests this many times as long as it worked.
const REST: u32 = 4;
/// Niceness of the thread, from 0 (normal priority) to 19 (lowest).
const NICENESS: i32 = 10;

/// Why a new password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    #[error("a password has at least {CHARACTERS_MIN} characters")]
    Short,
    #[error("a password has at most {BYTES_MAX} bytes")]
    Long,
}

/// Checks the rules for new passwords.
///
/// # Errors
/// It is too short or too long.
pub fn check(password: &str) -> Result<(), PasswordFault> {
    if password.len() > BYTES_MAX {
        Err(PasswordFault::Long)
    } else if password.chars().count() < CHARACTERS_MIN {
        Err(PasswordFault::Short)
    } else {
        Ok(())
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the constants are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a password, in PHC format. Takes about 20 ms; see [`Hasher`].
pub fn hash(password: &str, salt: [u8; SALT_BYTES]) -> String {
    let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt);
    hash.expect("a password of any length and this salt can be hashed")
        .to_string()
}

/// Whether a password is the one that was hashed. Without a hash, because the name is unknown, it
/// takes the same time and returns `false`.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    const UNKNOWN_NAME: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    if password.len() > BYTES_MAX {
        return false;
    }
    let is_right = argon2().verify_password(password.as_bytes(), hash.unwrap_or(UNKNOWN_NAME));
    hash.is_some() && is_right.is_ok()
}

/// The queue in which a password waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// For browsers with which the person logged in before, and for people who are logged in.
    Known,
    /// For all other browsers.
    Stranger,
}

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Lanes {
    known: VecDeque<Job>,
    strangers: VecDeque<Job>,
    is_over: bool,
}

struct Shared {
    lanes: Mutex<Lanes>,
    arrived: Condvar,
}

/// Handle of the hashing thread, which ends when the handle is dropped.
pub struct Hasher {
    shared: Arc<Shared>,
}

impl Hasher {
    /// Starts the thread.
    ///
    /// # Errors
    /// The thread can't be started.
    pub fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            lanes: Mutex::default(),
            arrived: Condvar::new(),
        });
        let of_thread = shared.clone();
        std::thread::Builder::new()
            .name("passwords".into())
            .spawn(move || {
                // On Linux each thread has its own niceness.
                if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
                    tracing::warn!(%error, "could not lower the priority of the password thread; log-ins may delay beacons");
                }
                work(&of_thread);
            })?;
        Ok(Self { shared })
    }

    /// [`verify`] on the thread.
    ///
    /// # Errors
    /// [`ControlError::Busy`] when the lane is full.
    pub async fn verify(
        &self,
        lane: Lane,
        password: Zeroizing<String>,
        hash: Option<String>,
    ) -> Result<bool, ControlError> {
        self.run(lane, move || verify(&password, hash.as_deref()))
            .await
    }

    /// [`hash`] on the thread.
    ///
    /// # Errors
    /// [`ControlError::Busy`] when the lane is full.
    pub async fn hash(
        &self,
        lane: Lane,
        password: Zeroizing<String>,
        salt: [u8; SALT_BYTES],
    ) -> Result<String, ControlError> {
        self.run(lane, move || hash(&password, salt)).await
    }

    async fn run<R: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, ControlError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut lanes = lock(&self.shared);
            let lane = match lane {
                Lane::Known => &mut lanes.known,
                Lane::Stranger => &mut lanes.strangers,
            };
            if lane.len() >= LANE_MAX {
                return Err(ControlError::Busy);
            }
            lane.push_back(Box::new(move || {
                // The request was dropped: there is nothing to do.
                if !answer.is_closed() {
                    let _ = answer.send(work());
                }
            }));
        }
        self.shared.arrived.notify_one();
        answered.await.map_err(|_| ControlError::Busy)
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        lock(&self.shared).is_over = true;
        self.shared.arrived.notify_one();
    }
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Lanes> {
    // A job runs without the lock, so a panic leaves the queues consistent.
    shared.lanes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(shared: &Shared) {
    let mut rest = Duration::ZERO;
    loop {
        let job = {
            let mut lanes = lock(shared);
            loop {
                if lanes.is_over {
                    return;
                }
                // Only unknown browsers wait for the rest.
                if let Some(job) = lanes.known.pop_front() {
                    break job;
                }
                if lanes.strangers.is_empty() {
                    lanes = shared
                        .arrived
                        .wait(lanes)
                        .unwrap_or_else(PoisonError::into_inner);
                } else if rest > Duration::ZERO {
                    let before = Instant::now();
                    let waited = shared.arrived.wait_timeout(lanes, rest);
                    lanes = waited.unwrap_or_else(PoisonError::into_inner).0;
                    rest = rest.saturating_sub(before.elapsed());
                } else if let Some(job) = lanes.strangers.pop_front() {
                    break job;
                }
            }
        };
        let before = Instant::now();
        job();
        rest = before.elapsed() * REST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(password: &str) -> Zeroizing<String> {
        Zeroizing::new(password.to_owned())
    }

    #[test]
    fn only_the_right_password_is_accepted() {
        let kept = hash("correct horse battery", [7; SALT_BYTES]);
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert!(verify("correct horse battery", Some(&kept)));
        assert!(!verify("correct horse batterz", Some(&kept)));
        assert!(!verify("", Some(&kept)));
        assert!(!verify("correct horse battery", None));
        assert!(!verify("correct horse battery", Some("no hash")));
        assert_ne!(kept, hash("correct horse battery", [8; SALT_BYTES]));
    }

    #[test]
    fn passwords_have_12_characters_to_256_bytes() {
        assert_eq!(
            check(&"x".repeat(CHARACTERS_MIN - 1)),
            Err(PasswordFault::Short)
        );
        assert_eq!(check(&"x".repeat(CHARACTERS_MIN)), Ok(()));
        assert_eq!(check(&"鍵".repeat(CHARACTERS_MIN)), Ok(()));
        assert_eq!(check(&"x".repeat(BYTES_MAX)), Ok(()));
        assert_eq!(check(&"x".repeat(BYTES_MAX + 1)), Err(PasswordFault::Long));
    }

    #[tokio::test]
    async fn a_full_queue_of_unknown_browsers_does_not_block_known_ones() {
        let hasher = Arc::new(Hasher::start().expect("a thread"));
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (done, order) = std::sync::mpsc::channel();
        let mut jobs = Vec::new();
        let first = hasher.clone();
        jobs.push(tokio::spawn(async move {
            let hold = move || {
                let _ = begun.send(());
                let _ = held.recv();
            };
            first.run(Lane::Stranger, hold).await
        }));
        tokio::task::spawn_blocking(move || has_begun.recv())
            .await
            .expect("no panic")
            .expect("begun");
        let mut add = |lane, name: &'static str| {
            let (hasher, done) = (hasher.clone(), done.clone());
            jobs.push(tokio::spawn(async move {
                hasher
                    .run(lane, move || done.send(name).is_ok())
                    .await
                    .map(|_| ())
            }));
        };
        for _ in 0..LANE_MAX {
            add(Lane::Stranger, "stranger");
        }
        while lock(&hasher.shared).strangers.len() < LANE_MAX {
            tokio::task::yield_now().await;
        }
        let refused = hasher.verify(Lane::Stranger, text("x"), None).await;
        assert!(matches!(refused, Err(ControlError::Busy)));
        add(Lane::Known, "known");
        while lock(&hasher.shared).known.is_empty() {
            tokio::task::yield_now().await;
        }
        release.send(()).expect("held");
        for job in jobs {
            job.await.expect("no panic").expect("run");
        }
        assert_eq!(order.recv(), Ok("known"));
        assert_eq!(order.try_iter().count(), LANE_MAX);
    }
}
