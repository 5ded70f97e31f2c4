//! The fields of an event that hold text chosen by a page.

/// A field of an event whose text a page chooses. The number of distinct values per site and day is
/// bounded after the door, by the cardinality limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenField {
    /// Path of the page.
    Path,
    /// Name of a custom event.
    EventName,
    /// Host that linked to the page.
    Referrer,
    /// Name of the source.
    Source,
    /// A campaign parameter.
    Campaign,
    /// Name of a property.
    PropertyName,
    /// Value of a property.
    PropertyValue,
}

impl OpenField {
    /// Every field, in the order of its discriminant.
    pub const ALL: [Self; 7] = [
        Self::Path,
        Self::EventName,
        Self::Referrer,
        Self::Source,
        Self::Campaign,
        Self::PropertyName,
        Self::PropertyValue,
    ];

    /// The name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::EventName => "event_name",
            Self::Referrer => "referrer",
            Self::Source => "source",
            Self::Campaign => "campaign",
            Self::PropertyName => "property_name",
            Self::PropertyValue => "property_value",
        }
    }
}
