use proptest::prelude::*;

use super::*;
use crate::bounds::*;

fn rules() -> ScrubRules {
    let query = ["q", "page"].map(String::from);
    let routes = ["/portal/sims/:id", "/shop/orders/:order/items", "/files/*"].map(String::from);
    ScrubRules::new(&query, &routes).expect("rules are sound")
}

#[track_caller]
fn check(given: &str, kept: &str) {
    assert_eq!(path(given, &rules()), kept, "{given}");
}

/// Texts that must never be stored, with notations of each and the traces that would reveal it.
const CANARIES: &[(&str, &[&str])] = &[
    ("taro.yamada@example.jp", &["yamada", "taro"]),
    ("taro.yamada%40example.jp", &["yamada", "taro"]),
    ("taro.yamada%2540example.jp", &["yamada", "taro"]),
    ("taro.yamada%252540example.jp", &["yamada", "taro"]),
    ("taro.yamada＠example.jp", &["yamada", "taro"]),
    ("taro.yamada%EF%BC%A0example.jp", &["yamada", "taro"]),
    ("taro.yamada%25EF%25BC%25A0example.jp", &["yamada", "taro"]),
    (
        "ｔａｒｏ．ｙａｍａｄａ＠ｅｘａｍｐｌｅ．ｊｐ",
        &["yamada", "ｙａｍａｄａ"],
    ),
    (
        "taro.yamada\u{200b}@\u{200b}example.jp",
        &["yamada", "taro"],
    ),
    ("taro+sim@mail.example.co.jp", &["taro"]),
    ("mailto:taro@example.jp", &["taro"]),
    ("山田@例え.jp", &["山田"]),
    ("+819012345678", &["901234", "5678"]),
    ("+81-90-1234-5678", &["1234", "5678"]),
    ("+81%2090%201234%205678", &["1234", "5678"]),
    ("%2B81%2D90%2D1234%2D5678", &["1234", "5678"]),
    ("+81 (0)90-1234-5678", &["1234", "5678"]),
    ("090-1234-5678", &["1234", "5678"]),
    ("09012345678", &["1234", "5678"]),
    ("０９０－１２３４－５６７８", &["1234", "１２３４", "5678"]),
    ("090ー1234ー5678", &["1234", "5678"]),
    ("090.1234.5678", &["1234", "5678"]),
    ("090 1234 5678", &["1234", "5678"]),
    ("(03)1234-5678", &["1234", "5678"]),
    ("03-12345678", &["1234", "5678"]),
    ("0120-123-456", &["123-", "-456"]),
    ("tel090-1234-5678x", &["1234", "5678"]),
    ("+49 30 1234567", &["1234567"]),
    ("〒150-0001", &["150", "0001"]),
    ("〒1500001", &["150000"]),
    ("%E3%80%92150-0001", &["150", "0001"]),
    ("150-0001", &["150", "0001"]),
    ("１５０－０００１", &["150", "0001"]),
    (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1g",
        &["eyJ", "dBjf", "SeZ4"],
    ),
    ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0YXJvIn0.", &["eyJ", "c3Vi"]),
    (
        "550e8400-e29b-41d4-a716-446655440000",
        &["550e", "e29b", "a716"],
    ),
    ("550E8400-E29B-41D4-A716-446655440000", &["550E", "E29B"]),
    (
        "sim-550e8400-e29b-41d4-a716-446655440000.json",
        &["550e", "e29b"],
    ),
    ("550e8400e29b41d4a716446655440000", &["550e"]),
    ("8988280000000000001", &["89882", "00001"]),
    ("89882800000000000012", &["89882"]),
    ("8988280000000000001F", &["89882"]),
    ("8988-2800-0000-0000-001", &["8988", "2800"]),
    ("8988 2800 0000 0000 001", &["8988", "2800"]),
    ("iccid=8988280000000000001", &["89882"]),
    ("440101234567890", &["44010", "67890"]),
    ("440-10-1234567890", &["44010", "67890", "440-"]),
    ("490154203237518", &["490154", "37518"]),
    ("49-015420-323751-8", &["015420", "323751"]),
    ("00:1B:44:11:3A:B7", &["1B:44", "3A"]),
    ("00-1b-44-11-3a-b7", &["1b-44", "3a"]),
    ("001b.4411.3ab7", &["4411", "3ab7"]),
    ("ab:cd:ef:ab:cd:ef", &["cd:ef"]),
    ("deadbeefdeadbeef", &["deadbeef"]),
    ("d41d8cd98f00b204e9800998ecf8427e", &["d41d8"]),
    ("Zx9Kq3Lm-8Vb2_Nc7Pd1Rt5Yw", &["Zx9K", "Nc7"]),
    ("dGhpc2lzYXNlY3JldHRva2VuMTIz", &["dGhpc"]),
    ("k3j9x0qz8f7w2m5n1b4v", &["k3j9"]),
    ("123456", &["123456"]),
    ("order-123456", &["123456"]),
    ("4242-4242-4242-4242", &["4242"]),
    ("203.0.113.77", &["203", "113"]),
    ("203.0.113.77:8443", &["203", "113"]),
    ("ip-203.0.113.77", &["203", "113"]),
    ("2001:db8:1234:5678:9abc:def0:1:2", &["db8", "1234"]),
    ("2001:db8::1", &["db8"]),
    ("[2001:db8::1]", &["db8"]),
    ("fe80::1%eth0", &["fe80"]),
    ("%5B2001%3Adb8%3A%3A1%5D", &["db8"]),
    ("::ffff:203.0.113.77", &["203", "113"]),
    ("٠٩٠١٢٣٤٥٦٧٨", &["٠٩٠", "٥٦٧"]),
    ("index.html;jsessionid=A1B2C3", &["A1B2"]),
    ("x%3Ftoken=hunter2", &["hunter2"]),
    ("x%23access_token=hunter2", &["hunter2"]),
];

#[track_caller]
fn assert_gone(kept: &str, traces: &[&str], given: &str) {
    for trace in traces {
        assert!(
            !kept.contains(trace),
            "{trace:?} survived in {kept:?} from {given:?}"
        );
    }
}

#[test]
fn no_canary_survives_in_a_path() {
    for (canary, traces) in CANARIES {
        for given in [
            format!("/{canary}"),
            format!("/user/{canary}/edit"),
            format!("/a-{canary}"),
            format!("/{canary}.html"),
            format!("/?q={canary}"),
            format!("/?q=find+{canary}&page=2"),
            format!("/?token={canary}"),
            format!("/#/{canary}"),
            format!("/app#{canary}"),
        ] {
            assert_gone(&path(&given, &rules()), traces, &given);
        }
    }
}

#[test]
fn no_canary_survives_percent_encoding_of_every_byte_three_times() {
    for (canary, traces) in CANARIES {
        let mut given = (*canary).to_owned();
        for _ in 0..3 {
            given =
                percent_encoding::utf8_percent_encode(&given, percent_encoding::NON_ALPHANUMERIC)
                    .to_string();
            assert_gone(&path(&format!("/{given}"), &rules()), traces, &given);
        }
    }
}

#[test]
fn no_canary_survives_in_a_label_or_a_property() {
    for (canary, traces) in CANARIES {
        if canary.contains(['?', ';', '#']) || canary.contains("%3F") || canary.contains("%23") {
            continue; // these canaries concern addresses only
        }
        let encoded =
            percent_encoding::utf8_percent_encode(canary, percent_encoding::NON_ALPHANUMERIC)
                .to_string();
        for given in [
            (*canary).to_owned(),
            encoded,
            format!("from {canary} by"),
            format!("id={canary}"),
            format!("({canary})"),
        ] {
            assert_gone(&label(&given, 300), traces, &given);
            let (name, value) = property(&given, &given).unwrap_or_default();
            assert_gone(&name, traces, &given);
            assert_gone(&value, traces, &given);
        }
    }
}

#[test]
fn no_canary_survives_in_a_host() {
    for given in [
        "203.0.113.77",
        "[2001:db8::1]",
        "2001:db8::1",
        "203.0.113.77:8080",
        "ec2-203-0-113-77.compute.example",
        "8988280000000000001.example.com",
        "taro@example.jp",
        "550e8400-e29b-41d4-a716-446655440000.apps.example",
        "ｔａｒｏ＠example.jp",
    ] {
        assert_gone(&host(given), &["203", "db8", "8988", "taro", "550e"], given);
    }
}

#[test]
fn ordinary_pages_keep_their_names() {
    for page in [
        "/",
        "",
        "/pricing",
        "/blog/how-to-choose-a-sim-card-for-iot-2024",
        "/blog/2024/01/15/launch",
        "/news/2024-01-15",
        "/news/2024-01-15-10-30-00",
        "/archive/2019-2024",
        "/@sillage",
        "/package/react@18.2.0",
        "/docs/v1.2.3/install",
        "/docs/std::fmt",
        "/jp/製品/料金",
        "/products/iPhone15Pro",
        "/compare/galaxy-s24-ultra-vs-pixel-9a",
        "/viewItemListPageById",
        "/getUserAccountDetailsByCustomer",
        "/How-To-Choose-The-Right-SIM-Card-2024-Edition",
        "/5g-iot-sim-4g-lte-m-2g-3g-nb",
        "/internationalisation-and-localisation",
        "/a/b/c/",
        "/a//b",
        "/sitemap.xml",
        "/(other)",
        "/100%",
        "/c++",
        "/12345",
        "/facade-cafe-babe",
    ] {
        check(page, if page.is_empty() { "/" } else { page });
    }
}

#[test]
fn addresses_are_brought_to_one_form() {
    check("/%E8%A3%BD%E5%93%81", "/製品");
    check("/ＡＢＣ", "/ABC");
    check("/a%20b", "/a b");
    check("/ｶﾞｲﾄﾞ", "/ガイド");
    check("no-slash", "/no-slash");
    check("/%FF%FE", "/:binary");
    check("/a%00b", "/ab");
}

#[test]
fn identifiers_become_placeholders_and_their_neighbours_stay() {
    for (given, kept) in [
        ("/user/taro@example.jp/edit", "/user/:email/edit"),
        ("/sims/8988280000000000001", "/sims/:id"),
        ("/invoice-1234567.pdf", "/invoice-:id.pdf"),
        ("/call/+81-90-1234-5678", "/call/:phone"),
        ("/call/090-1234-5678/now", "/call/:phone/now"),
        ("/area/〒150-0001", "/area/:postcode"),
        ("/host/203.0.113.77", "/host/:ip"),
        ("/host/[2001:db8::1]", "/host/[:ip]"),
        ("/nic/00:1B:44:11:3A:B7", "/nic/:mac"),
        (
            "/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
            "/t/:token",
        ),
        ("/o/550e8400-e29b-41d4-a716-446655440000", "/o/:id"),
    ] {
        check(given, kept);
    }
}

#[test]
fn a_title_before_an_identifier_is_kept() {
    check(
        "/@x/how-to-build-an-app-3f2b1a9c8d7e",
        "/@x/how-to-build-an-app-:mac",
    );
    let uuid = "9f8e7d6c-5b4a-3c2d-1e0f-123456789abc";
    check(
        &format!("/story/why-it-is-great-{uuid}"),
        "/story/why-it-is-great-:id",
    );
    check(
        &format!("/video/launch-{uuid}.html"),
        "/video/launch-:id.html",
    );
    let hex = "1f2e3d4c5b6a79880a1b2c3d4e5f6a7b";
    check(&format!("/Project-Plan-{hex}"), "/Project-Plan-:token");
    check(
        "/news/red-panda-dlF4kPq0aZ9mNb3cXv7yTr",
        "/news/red-panda-:token",
    );
    // No part of the token stays.
    check("/x/kjhw-3Fk2mQ9zLx4Vb7N1cR8tYp", "/x/:token");
}

#[test]
fn routes_are_kept_by_their_template() {
    check("/portal/sims/abc", "/portal/sims/:id");
    check("/portal/sims/8988280000000000001", "/portal/sims/:id");
    check("/portal/sims/", "/portal/sims/");
    check("/portal/sims/a/b", "/portal/sims/a/b");
    check("/shop/orders/x/items", "/shop/orders/:order/items");
    check("/files/a/b/c?x=1", "/files/*");
    check("/files", "/files");
}

#[test]
fn the_query_is_dropped_except_for_the_allowlist() {
    check("/a?utm_source=x&fbclid=y&token=z", "/a");
    check("/a?page=2&x=1&q=sim", "/a?q=sim&page=2");
    check("/a?q=esim%20card", "/a?q=esim card");
    check("/a?q=a%26token%3Dz", "/a?q=a");
    check("/a?q=taro%40example.jp", "/a?q=:email");
    check("/a?q=1&q=2", "/a?q=1");
    check("/a?Q=1", "/a");
}

#[test]
fn the_fragment_is_kept_as_a_route_and_never_as_a_credential() {
    check("/app#/prices", "/app#/prices");
    check("/app#/user/1234567", "/app#/user/:id");
    check("/app#access_token=abc", "/app");
    check("/app#/x?token=abc", "/app#/x");
    check("/app#%61ccess_token%3Dabc", "/app");
}

#[test]
fn rules_that_would_keep_a_person_are_refused() {
    let new = |name: &str| ScrubRules::new(&[name.to_owned()], &[]).err();
    for name in ["email", "Token", "gclid", "utm_source", "sid"] {
        assert_eq!(new(name), Some(RuleFault::DeniedParameter(name.into())));
    }
    for name in ["", "a b", "a=b", "あ"] {
        assert_eq!(new(name), Some(RuleFault::MalformedParameter(name.into())));
    }
    for route in ["", "x", "/a/*/b", "/a?b", "/a#b", "/:", "/%41"] {
        assert!(RouteTemplate::parse(route).is_err(), "{route}");
    }
}

#[test]
fn properties_about_a_person_are_dropped_by_name() {
    for name in ["email", "Phone", "user_id", "IMSI"] {
        assert_eq!(property(name, "x"), None);
    }
    assert_eq!(
        property("plan", "flex"),
        Some(("plan".into(), "flex".into()))
    );
    assert_eq!(property("", "x"), None);
}

#[test]
fn bounds_hold_at_the_bound_and_one_past_it() {
    assert_eq!(label(&"x".repeat(40), 40).len(), 40);
    assert_eq!(label(&"x y".repeat(14), 40).len(), 40);
    assert_eq!(label("日本語", 8), "日本");
    let long = format!("/{}", "ab ".repeat(67));
    assert_eq!(path(&long, &rules()), "/:long");
    let many = "/abc".repeat(128);
    assert_eq!(path(&many, &rules()), many);
    assert_eq!(path(&format!("{many}/d"), &rules()), many);
}

#[test]
fn segments_hosts_properties_and_query_values_hold_at_their_bounds() {
    // Words, since long random text is masked before its length counts.
    let text = |bytes: usize| "ab ".repeat(bytes / 3 + 1)[..bytes - 1].to_owned() + "c";
    let segment = |bytes| path(&format!("/{}", text(bytes)), &rules());
    assert_eq!(segment(SEGMENT_BYTES_MAX).len(), 1 + SEGMENT_BYTES_MAX);
    assert_eq!(segment(SEGMENT_BYTES_MAX + 1), "/:long");
    let name = |bytes: usize| host(&("ab.".repeat(bytes / 3) + &"c".repeat(bytes % 3)));
    assert_eq!(name(HOST_BYTES_MAX).len(), HOST_BYTES_MAX);
    assert_eq!(name(HOST_BYTES_MAX + 1), "");
    for beyond in [0, 1] {
        let (name, value) = property(
            &text(PROPERTY_NAME_BYTES_MAX + beyond),
            &text(PROPERTY_VALUE_BYTES_MAX + beyond),
        )
        .expect("not about a person");
        assert!(name.len() <= PROPERTY_NAME_BYTES_MAX && name.len() > PROPERTY_NAME_BYTES_MAX - 3);
        assert!(
            value.len() <= PROPERTY_VALUE_BYTES_MAX && value.len() > PROPERTY_VALUE_BYTES_MAX - 3
        );
        let query = path(
            &format!("/?q={}", text(QUERY_VALUE_BYTES_MAX + beyond)),
            &rules(),
        );
        let value = query.len() - "/?q=".len();
        assert!(value <= QUERY_VALUE_BYTES_MAX && value > QUERY_VALUE_BYTES_MAX - 3);
    }
}

#[test]
fn text_encoded_too_many_times_is_masked_as_a_token() {
    let given = format!("/%{}41", "25".repeat(30));
    assert_eq!(path(&given, &rules()), "/:token");
    assert_eq!(label(&given, 100), ":token");
}

/// Texts joined from fragments that the rules look for.
fn hostile() -> impl Strategy<Value = String> {
    let canary =
        proptest::sample::select(CANARIES.iter().map(|canary| canary.0).collect::<Vec<_>>());
    let glue = proptest::sample::select(vec![
        "", "/", "//", "-", ".", ":", "::", "@", "%", "%25", "%2", "%40", "+", " ", "?", "?q=",
        "&", "#", "#/", ";", "_", "〒", "e", "a", "f", "0", "12", "345", "2024", "\u{30c}",
        "\u{200b}", "ﷺ", "０", "＠", "％", "／", "é", "xn--", ":id", ":email", "eyJ", "=",
    ]);
    let any = "\\PC{0,6}";
    let part = prop_oneof![
        2 => canary.prop_map(str::to_owned),
        4 => glue.prop_map(str::to_owned),
        1 => any.prop_map(|text| text),
        1 => "[0-9]{1,8}",
        1 => "[A-Za-z0-9_-]{1,24}",
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn a_scrubbed_path_stays_as_it_is_and_within_its_bound(text in hostile()) {
        let rules = rules();
        let once = path(&text, &rules);
        prop_assert_eq!(path(&once, &rules), once.clone(), "from {:?}", text);
        prop_assert!(once.len() <= TARGET_BYTES_MAX + QUERY_VALUE_BYTES_MAX);
        prop_assert!(once.starts_with('/'));
        prop_assert!(!once.chars().any(char::is_control));
    }

    #[test]
    fn a_scrubbed_label_stays_as_it_is_and_within_its_bound(text in hostile(), max in 0..150usize) {
        let once = label(&text, max);
        prop_assert_eq!(label(&once, max), once.clone(), "from {:?}", text);
        prop_assert!(once.len() <= max);
    }

    #[test]
    fn a_scrubbed_host_stays_as_it_is_and_within_its_bound(text in hostile()) {
        let once = host(&text);
        prop_assert_eq!(host(&once), once.clone(), "from {:?}", text);
        prop_assert!(once.len() <= 2 * crate::bounds::HOST_BYTES_MAX);
    }

    #[test]
    fn scrubbing_arbitrary_text_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let rules = rules();
        let once = path(&text, &rules);
        prop_assert_eq!(path(&once, &rules), once);
        let once = label(&text, 120);
        prop_assert_eq!(label(&once, 120), once);
        let _ = host(&text);
        let _ = property(&text, &text);
    }

    #[test]
    fn long_numbers_never_survive_whatever_stands_around_them(
        before in "[a-z/._-]{0,8}", digits in "[0-9]{6,24}", after in "[a-z/._-]{0,8}",
    ) {
        let kept = path(&format!("/x{before}{digits}{after}"), &ScrubRules::default());
        prop_assert!(!kept.contains(&digits[..6]), "{}", kept);
    }

    #[test]
    fn telephone_numbers_never_survive_their_separators(
        separator in proptest::sample::select(vec!["-", " ", ".", "--", ") ", "ー", "－", "%20", "・", "_"]),
        middle in "[0-9]{4}", last in "[0-9]{4}",
    ) {
        let number = format!("/tel/090{separator}{middle}{separator}{last}");
        prop_assert_eq!(path(&number, &ScrubRules::default()), "/tel/:phone");
    }
}

#[test]
fn nearly_all_random_tokens_are_found() {
    use sha2::Digest;
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (length, survivors_max) in [(20, 130), (22, 50), (27, 30), (32, 10)] {
        let survivors = (0..2_000u32).filter(|index| {
            let random = sha2::Sha256::digest(index.to_le_bytes());
            let token = random
                .iter()
                .take(length)
                .map(|byte| char::from(ALPHABET[usize::from(byte % 64)]));
            let token: String = token.collect();
            path(&format!("/{token}"), &ScrubRules::default()).contains(&token)
        });
        let survivors = survivors.count();
        assert!(
            survivors <= survivors_max,
            "{survivors} of 2000 random tokens of {length} characters were kept whole"
        );
    }
}

/// Tokens of letters and digits, made from a counter.
fn random_tokens(length: usize, count: u32) -> impl Iterator<Item = String> {
    use sha2::Digest;
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..count).map(move |index| {
        let random = sha2::Sha256::digest(index.to_le_bytes());
        let letters = random.iter().filter(|byte| **byte < 248).take(length);
        letters
            .map(|byte| char::from(ALPHABET[usize::from(byte % 62)]))
            .collect()
    })
}

#[test]
fn most_short_random_tokens_are_found() {
    for (length, survivors_max) in [(12, 720), (14, 560), (16, 440), (19, 320)] {
        let rules = ScrubRules::default();
        let survivors = random_tokens(length, 2_000)
            .filter(|token| path(&format!("/{token}"), &rules).contains(token))
            .count();
        assert!(
            survivors <= survivors_max,
            "{survivors} of 2000 of {length} characters were kept whole"
        );
    }
}
