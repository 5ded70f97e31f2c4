//! Amounts of money as reports show them.
//!
//! Amounts are stored and counted in thousandths. Nothing is converted between currencies.

/// An amount of money.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// In units of the currency.
    pub value: f64,
    /// ISO 4217 code.
    pub currency: String,
    /// Short form, such as `€1.2K`.
    pub short: String,
    /// Long form, such as `€1,234.50`.
    pub long: String,
}

/// Currencies without decimals, and those with three (ISO 4217). All others have two.
const NO_DECIMALS: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
];
const THREE_DECIMALS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
/// Symbols that replace the code before an amount.
const SYMBOLS: [(&str, &str); 6] = [
    ("USD", "$"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("JPY", "¥"),
    ("INR", "₹"),
    ("KRW", "₩"),
];
const STEPS: [(f64, &str); 3] = [(1e9, "B"), (1e6, "M"), (1e3, "K")];

impl Amount {
    /// The amount of `milli` thousandths of a currency.
    pub fn from_milli(milli: i64, currency: &str) -> Self {
        let value = milli as f64 / 1000.0;
        let decimals = match currency {
            _ if NO_DECIMALS.contains(&currency) => 0,
            _ if THREE_DECIMALS.contains(&currency) => 3,
            _ => 2,
        };
        let symbol = SYMBOLS.iter().find(|(code, _)| *code == currency);
        let before = symbol.map_or_else(
            || format!("{currency} "),
            |(_, symbol)| (*symbol).to_owned(),
        );
        let sign = if milli < 0 { "-" } else { "" };
        let size = value.abs();
        let step = STEPS.iter().find(|(step, _)| size >= *step);
        let short = match step {
            Some((step, name)) => format!("{:.1}{name}", size / step),
            None => format!("{size:.decimals$}"),
        };
        let long = grouped(&format!("{size:.decimals$}"));
        Self {
            value,
            currency: currency.to_owned(),
            short: format!("{sign}{before}{short}"),
            long: format!("{sign}{before}{long}"),
        }
    }
}

/// The number with the digits before the point in groups of three.
fn grouped(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_shown_in_the_decimals_of_its_currency() {
        for (milli, currency, short, long) in [
            (0, "USD", "$0.00", "$0.00"),
            (999_990, "USD", "$999.99", "$999.99"),
            (1_234_500, "EUR", "€1.2K", "€1,234.50"),
            (1_234_567_890_000, "JPY", "¥1.2B", "¥1,234,567,890"),
            (-5_500, "CHF", "-CHF 5.50", "-CHF 5.50"),
            (12_345, "KWD", "KWD 12.345", "KWD 12.345"),
        ] {
            let shown = Amount::from_milli(milli, currency);
            assert_eq!((shown.short.as_str(), shown.long.as_str()), (short, long));
            assert_eq!(shown.value.to_bits(), (milli as f64 / 1000.0).to_bits());
        }
    }
}
