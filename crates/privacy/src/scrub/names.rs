//! Property names whose values are about a person or open something, whatever they look like. A
//! name is cut into parts at `_`, `-`, `.`, spaces, digits and changes of case, so `user_email`,
//! `userEmail` and `your-e-mail` are one name. `docs/scrubbing.md` lists these words; a test
//! compares the two.

/// Parts that make a name personal wherever they stand, unless it ends in one of [`KINDS`].
pub(super) const PERSONAL: &[&str] = &[
    // names
    "firstname",
    "lastname",
    "fullname",
    "middlename",
    "surname",
    "forename",
    "givenname",
    "familyname",
    "nickname",
    "realname",
    "username",
    "maidenname",
    "vorname",
    "nachname",
    "familienname",
    "nutzername",
    "benutzername",
    "prenom",
    "prénom",
    "apellido",
    "apellidos",
    "cognome",
    "fname",
    "lname",
    "uname",
    "voornaam",
    "achternaam",
    "nazwisko",
    "фамилия",
    // ways to reach somebody
    "email",
    "emails",
    "emailaddress",
    "mailaddress",
    "courriel",
    "correo",
    "phone",
    "phones",
    "phonenumber",
    "telephone",
    "tel",
    "telno",
    "telefon",
    "telefonnummer",
    "telefono",
    "teléfono",
    "téléphone",
    "handynummer",
    "mobilenumber",
    "mobilephone",
    "cellphone",
    "fax",
    "whatsapp",
    "msisdn",
    "телефон",
    // where somebody lives or is
    "addr",
    "address",
    "addresses",
    "adresse",
    "anschrift",
    "street",
    "strasse",
    "straße",
    "hausnummer",
    "zip",
    "zipcode",
    "postcode",
    "postalcode",
    "plz",
    "postleitzahl",
    "latitude",
    "longitude",
    "lat",
    "lng",
    "lon",
    "latlng",
    "gps",
    "coords",
    "coordinates",
    "geolocation",
    "ip",
    "ipaddress",
    "useragent",
    // birth
    "birth",
    "birthday",
    "birthdate",
    "birthyear",
    "birthplace",
    "dob",
    "dateofbirth",
    "geburtsdatum",
    "geburtstag",
    "geburtsort",
    "naissance",
    "nacimiento",
    // numbers of persons, cards and devices
    "ssn",
    "nino",
    "passport",
    "passportnumber",
    "mynumber",
    "taxid",
    "steuerid",
    "kundennummer",
    "kontonummer",
    "mitgliedsnummer",
    "versichertennummer",
    "bankaccount",
    "ccnumber",
    "insurancenumber",
    "socialsecurity",
    "licenseplate",
    "fingerprint",
    "codicefiscale",
    "dni",
    "curp",
    "cpf",
    "iban",
    "creditcard",
    "cardnumber",
    "cvc",
    "cvv",
    "iccid",
    "imsi",
    "imei",
    "idfa",
    "gaid",
    "userid",
    // what opens something
    "pass",
    "passwd",
    "password",
    "passwort",
    "pwd",
    "otp",
    "pin",
    "token",
    "secret",
    "jwt",
    "auth",
    "authorization",
    "apikey",
    "session",
    "sessionid",
    "jsessionid",
    "phpsessid",
    "credential",
    "credentials",
    // one person's number at an advertiser
    "gclid",
    "fbclid",
    "msclkid",
];

/// Names that are personal as a whole, and as the last part: `user`, `logged_in_user`, `your-mail`;
/// not `user_type`.
pub(super) const PERSONAL_LAST: &[&str] = &["user", "mail", "usr", "uid"];

/// Parts that say whose something is: with one of [`BELONGINGS`] behind it the name is personal.
pub(super) const PERSONS: &[&str] = &[
    "account",
    "applicant",
    "attendee",
    "billing",
    "buyer",
    "candidate",
    "card",
    "cardholder",
    "child",
    "client",
    "contact",
    "cust",
    "customer",
    "device",
    "doctor",
    "donor",
    "employee",
    "family",
    "father",
    "first",
    "friend",
    "full",
    "given",
    "guest",
    "holder",
    "husband",
    "kunde",
    "kunden",
    "last",
    "lead",
    "legal",
    "login",
    "maiden",
    "member",
    "middle",
    "mother",
    "my",
    "nick",
    "owner",
    "parent",
    "participant",
    "passenger",
    "patient",
    "person",
    "profile",
    "real",
    "receiver",
    "recipient",
    "sender",
    "shipping",
    "spouse",
    "staff",
    "student",
    "subscriber",
    "teacher",
    "traveler",
    "traveller",
    "user",
    "visitor",
    "wife",
    "your",
];

/// What of a person's is personal: `customer_name`, `member_id`.
pub(super) const BELONGINGS: &[&str] = &[
    "name",
    "names",
    "id",
    "ids",
    "no",
    "nr",
    "number",
    "uuid",
    "guid",
    "hash",
    "initials",
    "signature",
    "photo",
    "avatar",
    "city",
    "mail",
    "kana",
];

/// Last parts that speak of a kind and of no person, after one of [`PERSONAL`]: `email_type`,
/// `phone_model`.
pub(super) const KINDS: &[&str] = &[
    "button",
    "campaign",
    "category",
    "clicked",
    "client",
    "consent",
    "count",
    "enabled",
    "field",
    "form",
    "format",
    "kind",
    "length",
    "method",
    "model",
    "opened",
    "optin",
    "plan",
    "provider",
    "sent",
    "status",
    "subject",
    "template",
    "type",
    "valid",
    "validated",
    "variant",
    "verified",
    "version",
];

/// Japanese, Chinese and Korean words that make a name personal wherever they stand, unless it also
/// has one of [`THINGS`].
pub(super) const PERSONAL_CJK: &[&str] = &[
    "氏名",
    "名前",
    "姓名",
    "苗字",
    "名字",
    "ふりがな",
    "フリガナ",
    "メールアドレス",
    "メアド",
    "電話",
    "携帯番号",
    "住所",
    "郵便番号",
    "生年月日",
    "誕生日",
    "パスワード",
    "ユーザー名",
    "ユーザ名",
    "ユーザーid",
    "会員番号",
    "会員id",
    "顧客名",
    "顧客番号",
    "お客様番号",
    "お客様名",
    "担当者名",
    "マイナンバー",
    "口座番号",
    "カード番号",
    "緯度",
    "経度",
    "邮箱",
    "电话",
    "地址",
    "密码",
    "手机号",
    "身份证",
    "성명",
    "휴대폰",
    "이름",
    "이메일",
    "전화번호",
    "주소",
];

/// Names that are personal as a whole.
pub(super) const PERSONAL_CJK_WHOLE: &[&str] = &[
    "姓",
    "名",
    "メール",
    "eメール",
    "e-メール",
    "携帯",
    "手机",
    "ユーザー",
    "ユーザ",
    "会員",
    "お客様",
];

/// Things that have names and no person's: `商品の名前`.
pub(super) const THINGS: &[&str] = &[
    "商品",
    "製品",
    "ファイル",
    "ページ",
    "イベント",
    "アプリ",
    "ブランド",
    "キャンペーン",
    "プラン",
    "店舗",
    "サイト",
    "カテゴリ",
];

/// Parts of a name that are looked at.
const PARTS_MAX: usize = 16;

/// Whether a property of this name is dropped. The name is in normal form.
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

/// Whether a part is a person's word and what belongs to it without anything between:
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

/// The parts of a name in small letters, without figures: `userEmail2` has two.
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
        // The other way: what a list of the page names is in one of the rules'.
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
