//! Suppression of small counts (P10): an audience sees nothing about too few people.
//!
//! These are the statements that `plan` puts around the counts of an answer when its
//! [`Audience`](audience::Audience) has a floor of `k` visitors. ClickHouse folds the rows, because
//! only it sees all rows of an answer. What holds:
//!
//! - **Rows.** A row about fewer than `k` people is folded into one row `(other)`, before any
//!   metric is made from it.
//! - **Complements.** `(other)` is itself about at least `k` people, or it is not shown: the
//!   smallest rows that could be shown are folded with it. So a total minus the visible rows is
//!   about `k` people or about none. Where a person can be in two rows (pages, ids of several
//!   days), sums prove nothing, and a whole row of `k` people is folded with it.
//! - **Compared rows.** A row from which a few people are missing, compared with the same row
//!   of a neighbour or with all people, is folded as well ([`compare`]).
//! - **Parts.** A part of a row (bounces, new visitors) about a few people counts as none or as
//!   all; in between it is shown in steps of `k` ([`parts`]).
//! - **Filters** are conjunctions of conditions ([`conjunction`]). An answer is given only when
//!   removing any one condition, or one value of a list, changes it by no one or by `k` people
//!   ([`neighbours`](neighbours::neighbours)), and when those who fail several conditions, and
//!   those who have several values of a dimension of events, are none or `k` ([`compare`]). Among
//!   the people who meet the other conditions of a filter, a value that fewer than `k` of them have
//!   is seen as `(other)`.
//! - **None and a few** get the same answer: zero, or an absent row.
//! - **Parts of days** can't be asked for ([`limits`]): by the minute, single people could be
//!   isolated. Unfinished time is released in steps.
//!
//! People count as the answer counts them. Where ids of several days are summed, a person who came
//! on several days counts on each of them, and the floor counts that way too.
//!
//! Not covered: two answers over periods that differ by a day, each above the floor, can be
//! subtracted. So can sums (amounts, speeds) to which a few people contribute in one of them. The
//! rows of a breakdown by several dimensions are not compared with those of each dimension alone.

pub mod audience;
pub mod compare;
pub mod conjunction;
pub mod floor;
pub mod fold;
pub mod limits;
pub mod neighbours;
pub mod parts;
