//! Amounts of money as answers show them: `{value, currency, short, long}`.
//!
//! Pure. Amounts are counted in thousandths, because that is how they are stored; nothing is
//! converted between currencies.

use serde_json::{Value as Json, json};

/// Currencies with another number of decimals than two, as ISO 4217 has them.
const NO_DECIMALS: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
];
const THREE_DECIMALS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
/// What stands before an amount instead of the code.
const SYMBOLS: [(&str, &str); 6] = [
    ("USD", "$"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("JPY", "¥"),
    ("INR", "₹"),
    ("KRW", "₩"),
];
const STEPS: [(f64, &str); 3] = [(1e9, "B"), (1e6, "M"), (1e3, "K")];

/// An amount in thousandths of a currency.
pub fn amount(milli: i64, currency: &str) -> Json {
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
    json!({
        "value": value,
        "currency": currency,
        "short": format!("{sign}{before}{short}"),
        "long": format!("{sign}{before}{long}"),
    })
}

/// Digits before the point in groups of three.
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
            let shown = amount(milli, currency);
            assert_eq!(
                (&shown["short"], &shown["long"]),
                (&json!(short), &json!(long))
            );
            assert_eq!(shown["value"], json!(milli as f64 / 1000.0));
        }
    }
}
