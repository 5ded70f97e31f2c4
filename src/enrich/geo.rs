//! Truncated address to place, by a MaxMind DB file. It never sees a whole address (P1), and remembers none.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use maxminddb::{Reader, geoip2};
use serde::Deserialize;

use super::remembered::Remembered;
use crate::privacy::{Place, TruncatedIp};

/// Sets of four remembered networks, about 600 KB together. A visitor's next beacon is mostly one of them.
const SETS: usize = 1024;

/// The place database; without a file every place is unknown.
pub struct Geo {
    reader: Option<Reader<Vec<u8>>>,
    memory: Remembered<Arc<Place>>,
    unknown: Arc<Place>,
}

/// The file is no MaxMind DB.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} is no place database in MaxMind DB format ({source}); fetch one with `make geo`, or leave geo.database empty"
)]
pub struct GeoError {
    path: PathBuf,
    source: maxminddb::MaxMindDbError,
}

/// The two layouts in use: GeoIP2's (city and country databases) and the flat one of the public-domain lists.
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
    /// Reads the whole file, typically 8 MB for countries; `None` knows no places.
    ///
    /// # Errors
    /// The file is not readable or no MaxMind DB.
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
            memory: Remembered::new(SETS),
            unknown: Arc::default(),
        })
    }

    /// Country, and region and city where the database has them.
    pub fn place(&self, ip: TruncatedIp) -> Arc<Place> {
        let unknown = || Arc::clone(&self.unknown);
        match ip.get() {
            Some(network) => self.memory.get(network, || {
                self.find(network).map_or_else(unknown, Arc::new)
            }),
            None => unknown(),
        }
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
