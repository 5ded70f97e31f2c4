//! What is no visit of a person: known spam, and programs that say what they are.
//!
//! After consent, before the door. The user agent's verdict is
//! [`Devices::is_bot`](crate::ingest::Devices); here is what needs no agent.

use std::borrow::Cow;

/// Referrers that exist only to be seen in reports. Whole domains, in order; sub-domains count.
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

/// Whether a referrer's URL is of a domain known for spam.
pub fn is_spam(referrer: &str) -> bool {
    // Nearly every referrer begins like this.
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
        assert!(SPAM.is_sorted(), "it is searched by halves");
    }
}
