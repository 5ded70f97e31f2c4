//! Tells random text from words by changes of class between neighbouring characters, and by vowels.

/// Whether a run of base64url characters changes class as often as random text, and more often than
/// words. Runs with many hyphens may be slugs and runs without digits camel case, so they need more
/// changes.
pub(super) fn is_random(run: &[u8]) -> bool {
    let is_joint = |b: &u8| matches!(b, b'-' | b'_');
    let changes: usize = run.split(is_joint).map(changes).sum();
    let joints = run.iter().filter(|b| is_joint(b)).count();
    let has_digit = run.iter().any(u8::is_ascii_digit);
    let weight = if has_digit && joints * 5 <= run.len() {
        6
    } else {
        4
    };
    changes >= 4 && changes * weight > run.len()
}

/// Number of neighbours that differ in class (digit, lower case, upper case), except a capital
/// before a lower-case letter.
pub(super) fn changes(word: &[u8]) -> usize {
    let class = |b: u8| {
        if b.is_ascii_digit() {
            0
        } else {
            1 + u8::from(b.is_ascii_uppercase())
        }
    };
    let pairs = word.windows(2).map(|pair| (class(pair[0]), class(pair[1])));
    pairs
        .filter(|pair| pair.0 != pair.1 && *pair != (2, 1))
        .count()
}

/// Whether a long word is camel case: most of it is lower case, and nearly all of it looks like
/// words. Neither is true of random letters and digits.
pub(super) fn is_camel_case(word: &[u8]) -> bool {
    let small = word.iter().filter(|b| b.is_ascii_lowercase()).count();
    let capitals = word.iter().filter(|b| b.is_ascii_uppercase()).count();
    capitals >= 2 && small * 2 > word.len() && letters_of_words(word) * 4 > word.len() * 3
}

/// Letters of a word in pieces of three or more letters with a vowel, split like `camelCase`.
pub(super) fn letters_of_words(word: &[u8]) -> usize {
    let (mut sum, mut at) = (0, 0);
    while at < word.len() {
        let start = at;
        let capitals = word[at..]
            .iter()
            .take_while(|b| b.is_ascii_uppercase())
            .count();
        let small = |from: usize| {
            word[from..]
                .iter()
                .take_while(|b| b.is_ascii_lowercase())
                .count()
        };
        at += match (capitals, small(at + capitals)) {
            (0, 0) => 1,
            (0, small) => small,
            (capitals, 0) => capitals,
            (1, small) => 1 + small,
            // `LTEModem`: the last capital begins the next piece.
            (capitals, _) => capitals - 1,
        };
        let piece = &word[start..at];
        let is_vowel = |b: &u8| {
            matches!(
                b.to_ascii_lowercase(),
                b'a' | b'e' | b'i' | b'o' | b'u' | b'y'
            )
        };
        if piece.len() >= 3 && piece[0].is_ascii_alphabetic() && piece.iter().any(is_vowel) {
            sum += piece.len();
        }
    }
    sum
}
