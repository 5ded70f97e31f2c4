//! P7: a page's address can only be read scrubbed.
use sillage_privacy::PageUrl;

fn main() {
    let Ok(page) = PageUrl::parse("https://example.com/taro@example.jp", false) else {
        return;
    };
    println!("{page:?}");
    let _copy = page.clone();
    let _ = page.target();
    let _ = page.text;
}
