//! The dimensions of events and of visits.

/// Properties that can differ between the events of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventDimension {
    Name,
    Page,
    Hostname,
    PreviousPage,
    NextPage,
    Policy,
    Basis,
    ClickCell,
}

/// Properties that all events of a visit share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VisitDimension {
    Source,
    Channel,
    Referrer,
    UtmSource,
    UtmMedium,
    UtmCampaign,
    UtmContent,
    UtmTerm,
    Screen,
    Device,
    Browser,
    BrowserVersion,
    Os,
    OsVersion,
    Country,
    Region,
    City,
    CityName,
    Language,
    EntryPage,
    ExitPage,
    EntryPageHostname,
    ExitPageHostname,
    VisitNumber,
    DaysSinceSeen,
}
