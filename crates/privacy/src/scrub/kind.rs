//! Kinds of identifiers, and their placeholders.

use std::ops::Range;

/// The kind of an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Email,
    Phone,
    Postcode,
    Number,
    Iccid,
    ImsiOrImei,
    NationalId,
    NumberPlate,
    Uuid,
    Hex,
    Token,
    Key,
    Jwt,
    Encoded,
    Mac,
    Ip,
    Coordinates,
}

impl Kind {
    /// The text stored in its place.
    pub fn placeholder(self) -> &'static str {
        match self {
            Kind::Email => ":email",
            Kind::Phone => ":phone",
            Kind::Postcode => ":postcode",
            Kind::Number
            | Kind::Iccid
            | Kind::ImsiOrImei
            | Kind::NationalId
            | Kind::NumberPlate
            | Kind::Uuid
            | Kind::Hex => ":id",
            Kind::Token | Kind::Key | Kind::Jwt | Kind::Encoded => ":token",
            Kind::Mac => ":mac",
            Kind::Ip => ":ip",
            Kind::Coordinates => ":place",
        }
    }

    /// The reason, for `sillage scrub --explain`.
    pub fn reason(self) -> &'static str {
        match self {
            Kind::Email => "looks like an e-mail address",
            Kind::Phone => "looks like a telephone number",
            Kind::Postcode => "looks like a Japanese postcode",
            Kind::Number => "has six digits or more in a row",
            Kind::Iccid => "looks like an ICCID (a SIM card's number)",
            Kind::ImsiOrImei => "looks like an IMSI or IMEI (a subscriber's or a device's number)",
            Kind::NationalId => "looks like a national identity number",
            Kind::NumberPlate => "looks like a Japanese number plate",
            Kind::Uuid => "looks like a UUID",
            Kind::Hex => "is a long hexadecimal number",
            Kind::Token => "looks like a random token",
            Kind::Key => "looks like a service's key or a session's credential",
            Kind::Jwt => "looks like a JSON Web Token",
            Kind::Encoded => "is an encoded e-mail address or telephone number",
            Kind::Mac => "looks like a MAC address",
            Kind::Ip => "looks like an IP address",
            Kind::Coordinates => "looks like coordinates of a place",
        }
    }
}

/// An identifier in a text: its range in bytes and its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub range: Range<usize>,
    pub kind: Kind,
}

impl Finding {
    pub(super) fn new(start: usize, end: usize, kind: Kind) -> Self {
        Self {
            range: start..end,
            kind,
        }
    }
}
