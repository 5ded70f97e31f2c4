//! Referrer spam: beacons whose referrer exists only to appear in reports.
//!
//! After consent, before the privacy door. Programs are recognised by their user agent in
//! [`device`](crate::ingest::device).

use std::borrow::Cow;

/// Domains of known spam, sorted. Sub-domains match too.
const SPAM: &[&str] = &[
    "4webmasters.org",
    "7makemoneyonline.com",
    "acads.net",
    "anal-acrobats.hol.es",
    "best-seo-offer.com",
    "best-seo-solution.com",
    "bestwebsitesawards.com",
    "blackhatworth.com",
    "buttons-for-website.com",
    "buttons-for-your-website.com",
    "buy-cheap-online.info",
    "cenoval.ru",
    "darodar.com",
    "domination.ml",
    "econom.co",
    "event-tracking.com",
    "free-share-buttons.com",
    "free-social-buttons.com",
    "get-free-traffic-now.com",
    "googlsucks.com",
    "guardlink.org",
    "hulfingtonpost.com",
    "humanorightswatch.org",
    "ilovevitaly.com",
    "iskalko.ru",
    "kambasoft.com",
    "make-money-online.com",
    "o-o-6-o-o.com",
    "offers.bycontext.com",
    "pornhub-forum.ga",
    "priceg.com",
    "ranksonic.info",
    "savetubevideo.com",
    "screentoolkit.com",
    "semalt.com",
    "semaltmedia.com",
    "seoexperimenty.ru",
    "simple-share-buttons.com",
    "social-buttons.com",
    "success-seo.com",
    "theguardlan.com",
    "traffic2cash.xyz",
    "trafficmonetize.org",
    "videos-for-your-business.com",
    "webmonetizer.net",
    "websites-reviews.com",
    "ykecwqlixx.ru",
];

/// Whether a referrer's URL belongs to a domain known for spam.
pub fn is_spam(referrer: &str) -> bool {
    // The fast path: nearly every referrer begins like this.
    let encrypted = referrer.strip_prefix("https://");
    let Some(rest) = encrypted.or_else(|| Some(referrer.split_once("://")?.1)) else {
        return false;
    };
    let is_end = |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b':');
    let end = rest.as_bytes().iter().position(is_end);
    let mut host = Cow::from(&rest[..end.unwrap_or(rest.len())]);
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        host.to_mut().make_ascii_lowercase();
    }
    let mut domain = &*host;
    loop {
        if SPAM.binary_search(&domain).is_ok() {
            return true;
        }
        match domain.split_once('.') {
            Some((_, above)) => domain = above,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn referrer_spam_is_recognised_by_domain_only() {
        assert!(is_spam(
            "http://semalt.com/crawler.php?u=http://example.com"
        ));
        assert!(is_spam("https://97.SEMALT.com"));
        assert!(!is_spam("https://notsemalt.com/"));
        assert!(!is_spam("https://example.com/?about=semalt.com"));
        assert!(!is_spam("semalt.com"));
        assert!(SPAM.is_sorted(), "binary search needs a sorted list");
    }
}
