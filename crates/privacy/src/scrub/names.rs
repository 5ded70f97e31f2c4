//! Recognises property names whose values are about a person or are credentials, whatever the
//! values look like. A name is split into parts at `_`, `-`, `.`, spaces, digits and changes of
//! case, so `user_email`, `userEmail` and `your-e-mail` are treated alike. The words are in
//! `name_lists`.

use super::name_lists::{
    BELONGINGS, KINDS, PERSONAL, PERSONAL_CJK, PERSONAL_CJK_WHOLE, PERSONAL_LAST, PERSONS, THINGS,
};

/// Parts of a name that are examined.
const PARTS_MAX: usize = 16;

/// Whether a property of this name is dropped. The name has to be in normal form.
pub(super) fn is_personal(name: &str) -> bool {
    if !name.is_ascii() && is_personal_cjk(name) {
        return true;
    }
    let parts = parts(name);
    let Some(last) = parts.last() else {
        return false;
    };
    let whole = parts.concat();
    if whole == "name" || PERSONAL_LAST.contains(&&**last) || PERSONAL_LAST.contains(&&*whole) {
        return true;
    }
    let is_kind = parts.len() > 1 && KINDS.contains(&&**last);
    let is_word = |word: &str| PERSONAL.contains(&word);
    if !is_kind {
        // `e-mail` and `date_of_birth` are one word in several parts.
        let is_written_apart =
            (2..=3).any(|count| parts.windows(count).any(|parts| is_word(&parts.concat())));
        if is_written_apart || parts.iter().any(|part| is_word(part) || is_glued(part)) {
            return true;
        }
    }
    let is_belonging = |index: usize| {
        BELONGINGS.contains(&&*parts[index]) && PERSONS.contains(&&*parts[index - 1])
    };
    if (1..parts.len()).any(is_belonging) {
        return true;
    }
    // `name_first`, `name-kana`
    matches!(&parts[..], [first, second] if first == "name" && (PERSONS.contains(&&**second) || BELONGINGS.contains(&&**second)))
}

/// Whether a part is a person's word and a personal word joined without a separator:
/// `customername`, `useremail`.
fn is_glued(part: &str) -> bool {
    PERSONS.iter().any(|person| {
        part.strip_prefix(person).is_some_and(|rest| {
            let is_short = rest.len() < 4;
            (!is_short && (BELONGINGS.contains(&rest) || PERSONAL.contains(&rest)))
                || (is_short && rest == "id")
        })
    })
}

fn is_personal_cjk(name: &str) -> bool {
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    PERSONAL_CJK_WHOLE.contains(&name.trim()) || (has(PERSONAL_CJK) && !has(THINGS))
}

/// The parts of a name in lower case, without digits: `userEmail2` has two.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut before = ' ';
    let chars: Vec<char> = name.chars().collect();
    for (index, c) in chars.iter().copied().enumerate() {
        let next_is_small = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        let is_new_case =
            c.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && next_is_small));
        if (!c.is_alphabetic() || is_new_case) && !part.is_empty() && parts.len() < PARTS_MAX {
            parts.push(std::mem::take(&mut part));
        }
        if c.is_alphabetic() {
            part.extend(c.to_lowercase());
        }
        before = c;
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn property_names_are_personal_by_their_parts() {
        for name in [
            "Eメール",
            "E-メール",
            "携帯",
            "手机号",
            "성명",
            "fname",
            "lName",
            "cust_name",
            "kontonummer",
            "Kundennummer",
            "remote_addr",
            "addr_line_1",
            "bank_account",
            "social_security_number",
            "license_plate",
            "фамилия",
            "name",
            "Name",
            "full_name",
            "fullName",
            "FullName",
            "fullname",
            "full-name",
            "customer_name",
            "customerName",
            "customername",
            "customer.name",
            "user name",
            "user_email",
            "userEmail",
            "useremail",
            "your-name",
            "your-email",
            "your-mail",
            "email",
            "e-mail",
            "eMail",
            "E-Mail",
            "EMAIL",
            "Email Address",
            "email_address",
            "emailAddress",
            "contact_email_2",
            "email2",
            "hashed_email",
            "email_sha256",
            "birthday",
            "birth_date",
            "date_of_birth",
            "dateOfBirth",
            "DOB",
            "氏名",
            "お名前",
            "お客様の氏名",
            "メールアドレス",
            "電話番号",
            "生年月日",
            "住所",
            "vorname",
            "Nachname",
            "geburtsdatum",
            "phone",
            "phone_number",
            "phoneNumber",
            "mobile_number",
            "tel",
            "TEL",
            "tel1",
            "telefon",
            "first_name",
            "firstName",
            "last-name",
            "name_first",
            "name-kana",
            "nickname",
            "username",
            "user",
            "user_id",
            "userId",
            "userID",
            "UserId",
            "userid",
            "uid",
            "member_id",
            "customerId",
            "account_number",
            "patient_name",
            "recipientName",
            "billing_address",
            "shipping_city",
            "street",
            "zip",
            "zip_code",
            "postcode",
            "PLZ",
            "lat",
            "lng",
            "geo.lat",
            "latitude",
            "ip",
            "ip_address",
            "password",
            "pwd",
            "auth_token",
            "accessToken",
            "session_id",
            "sessionid",
            "IMSI",
            "imei",
            "ssn",
            "iban",
            "credit_card",
            "card_number",
            "passport_no",
            "logged_in_user",
            "prénom",
            "이름",
        ] {
            assert!(is_personal(name), "{name} is kept");
        }
    }

    #[test]
    fn property_names_of_things_are_kept() {
        for name in [
            "product_name",
            "productName",
            "file_name",
            "filename",
            "event_name",
            "page_name",
            "pagename",
            "app_name",
            "brand_name",
            "campaign_name",
            "campaignName",
            "plan",
            "plan_name",
            "variant",
            "experiment_name",
            "button_name",
            "form_name",
            "hostname",
            "domain_name",
            "category_name",
            "list_name",
            "item_name",
            "item_id",
            "product_id",
            "order_id",
            "transaction_id",
            "sku",
            "price",
            "currency",
            "quantity",
            "position",
            "user_type",
            "userType",
            "user_plan",
            "user_role",
            "customer_type",
            "customer_segment",
            "account_type",
            "member_status",
            "email_type",
            "email_campaign",
            "email_template",
            "phone_model",
            "smartphone",
            "headphones",
            "iphone_model",
            "microphone",
            "mobile",
            "is_mobile",
            "device",
            "device_type",
            "session_count",
            "location",
            "city",
            "region",
            "country",
            "language",
            "theme",
            "title",
            "author",
            "path",
            "url",
            "method",
            "status",
            "number",
            "count",
            "id",
            "name_length",
            "lesson",
            "passage",
            "compass",
            "telemetry",
            "hotel",
            "addressable",
            "mailing_list_type",
            "pinned",
            "spinner",
            "zipper",
            "latest",
            "platform",
            "flatrate",
            "native",
            "authors",
            "tokenizer",
            "商品名",
            "商品の名前",
            "ファイル名",
            "ページの名前",
            "イベント名",
            "プラン",
            "価格",
            "カテゴリ",
            "",
            "123",
            "_",
        ] {
            let name_is_kept = !is_personal(name);
            assert!(name_is_kept, "{name} is dropped");
        }
    }

    #[test]
    fn the_documented_names_match_the_rules() {
        let documented = include_str!("../../../../docs/scrubbing.md");
        let (_, documented) = documented
            .split_once("## Names of properties")
            .expect("the section");
        let lists = [
            PERSONAL,
            PERSONAL_LAST,
            PERSONS,
            BELONGINGS,
            KINDS,
            PERSONAL_CJK,
            PERSONAL_CJK_WHOLE,
            THINGS,
        ];
        let words: Vec<&str> = lists.concat();
        for word in &words {
            assert!(
                documented.contains(&format!("`{word}`")),
                "{word} is not documented"
            );
        }
        // In the other direction: every word in a list of the page is in one of the rules.
        for list in documented
            .lines()
            .filter(|line| line.matches("`, `").count() > 2 && !line.contains("_name"))
        {
            for word in list.split('`').skip(1).step_by(2) {
                assert!(words.contains(&word), "{word} is documented and in no rule");
            }
        }
    }
}
