//! P3: salts that the keeper lends can't outlive the call.
use sillage_privacy::Salts;
use sillage::salts::SaltKeeper;

fn keep(keeper: &SaltKeeper, site: sillage::config::SiteId, now: jiff::Timestamp) -> Salts<'_> {
    keeper.with(site, now, |salts| salts)
}

fn main() {
    let _ = keep;
}
