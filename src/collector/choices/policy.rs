//! The purposes and recipients of a site's policy.

use crate::config::{Purpose, Site};

/// The purposes of a site: those of its policy, else all that the software can measure for.
pub fn purposes(site: &Site) -> Vec<Purpose> {
    site.policy.as_ref().map_or_else(
        || {
            vec![
                Purpose::UsageTrend,
                Purpose::ContentEval,
                Purpose::CampaignEffect,
                Purpose::ServiceHealth,
                Purpose::Security,
            ]
        },
        |policy| policy.purposes.clone(),
    )
}

/// Whether campaigns are stored after a yes. What a policy does not name as a purpose is not
/// collected.
pub fn keeps_campaigns(site: &Site) -> bool {
    purposes(site).contains(&Purpose::CampaignEffect)
}

/// The recipients of the data besides the controller.
pub fn recipients(site: &Site) -> Vec<String> {
    site.policy
        .as_ref()
        .map_or_else(Vec::new, |policy| policy.recipients.clone())
}
