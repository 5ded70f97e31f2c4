//! Truncated address to place, by a MaxMind DB file. A full address never gets here (P1).

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use maxminddb::{Reader, geoip2};
use serde::Deserialize;

use crate::ingest::cache::SetCache;
use sillage_privacy::{Place, TruncatedIp};

/// Sets of four cached networks, about 300 KB together. Most beacons come from a cached network.
const SETS: usize = 4096;
/// Distinct places that networks share, about 100 bytes each. A database of countries has 250.
const PLACES_MAX: usize = 4096;

/// The place database; without a file every place is unknown.
pub struct Geo {
    reader: Option<Reader<Vec<u8>>>,
    cache: SetCache<Arc<Place>>,
    /// The places of cached networks, each once.
    places: Mutex<HashSet<Arc<Place>>>,
    unknown: Arc<Place>,
}

/// The file is not a MaxMind DB.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} is not a place database in MaxMind DB format ({source}); fetch one with `make geo`, or leave geo.database empty"
)]
pub struct GeoError {
    path: PathBuf,
    source: maxminddb::MaxMindDbError,
}

/// The two layouts in use: GeoIP2's (city and country databases) and the flat one of the
/// public-domain lists.
#[derive(Deserialize)]
struct Record<'a> {
    country_code: Option<&'a str>,
    #[serde(borrow)]
    country: Option<geoip2::country::Country<'a>>,
    #[serde(borrow)]
    subdivisions: Option<Vec<geoip2::city::Subdivision<'a>>>,
    #[serde(borrow)]
    city: Option<geoip2::city::City<'a>>,
}

impl Geo {
    /// Reads the whole file, typically 8 MB for countries. With `None` every place is unknown.
    ///
    /// # Errors
    /// The file is not readable or not a MaxMind DB.
    pub fn open(path: Option<&Path>) -> Result<Self, GeoError> {
        let reader = path
            .map(|path| {
                Reader::open_readfile(path).map_err(|source| GeoError {
                    path: path.to_owned(),
                    source,
                })
            })
            .transpose()?;
        Ok(Self {
            reader,
            cache: SetCache::new(SETS),
            places: Mutex::default(),
            unknown: Arc::default(),
        })
    }

    /// Country, and region and city where the database has them.
    pub fn place(&self, ip: TruncatedIp) -> Arc<Place> {
        let unknown = || Arc::clone(&self.unknown);
        match ip.get() {
            Some(network) => self.cache.get(network, || {
                self.find(network)
                    .map_or_else(unknown, |place| self.shared(place))
            }),
            None => unknown(),
        }
    }

    /// One shared value for all networks of a place.
    fn shared(&self, place: Place) -> Arc<Place> {
        // No code under this lock can panic half-way through a change.
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = places.get(&place) {
            return Arc::clone(known);
        }
        if places.len() >= PLACES_MAX {
            places.clear();
        }
        let place = Arc::new(place);
        places.insert(Arc::clone(&place));
        place
    }

    fn find(&self, ip: IpAddr) -> Option<Place> {
        let found = self.reader.as_ref()?.lookup(ip).ok()?;
        let record: Record<'_> = found.decode().ok()??;
        let country = record.country_code.or_else(|| record.country?.iso_code)?;
        let region = record
            .subdivisions
            .and_then(|list| list.into_iter().next()?.iso_code)
            .map(|region| format!("{country}-{region}"));
        let city = record.city.and_then(|city| city.names.english);
        Some(Place {
            country: country.to_owned(),
            region: region.unwrap_or_default(),
            city: city.unwrap_or_default().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(city: &str) -> Place {
        Place {
            city: city.to_owned(),
            ..Place::default()
        }
    }

    #[test]
    fn networks_share_places_and_the_cache_is_bounded() {
        let geo = Geo::open(None).expect("no database is fine");
        let first = geo.shared(place("one"));
        assert!(Arc::ptr_eq(&first, &geo.shared(place("one"))));
        for n in 0..3 * PLACES_MAX {
            let city = format!("city {n}");
            assert_eq!(*geo.shared(place(&city)), place(&city));
        }
        let held = geo.places.lock().expect("no panic").len();
        assert!((1..=PLACES_MAX).contains(&held), "{held}");
        assert_eq!(*geo.shared(place("one")), *first);
    }
}
