use super::*;

const TOKEN: &str = "IQoJb3JpZ2luX2VjEMv//////////wEaCXVzLWVhc3QtMSJHMEUCIQDx";

fn secrets_of(secret: &str) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add(secret);
    secrets
}

fn secrets() -> Secrets {
    secrets_of(TOKEN)
}

#[test]
fn a_secret_is_not_shown_wherever_it_stands() {
    for before in [
        "",
        "a",
        "token: ",
        "caf\u{e9} \u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9} ",
    ] {
        for after in ["", ".", "\u{e9}"] {
            let text = format!("{before}{TOKEN}{after}");
            assert_eq!(
                secrets().redact(&text),
                format!("{before}(not shown){after}")
            );
        }
    }
    let twice = format!("{TOKEN} {TOKEN}");
    assert_eq!(secrets().redact(&twice), "(not shown) (not shown)");
}

#[test]
fn a_short_secret_is_not_shown_either() {
    let secrets = secrets_of("of-a-proxy");
    for before in ["", "a", "a password: "] {
        let text = format!("{before}of-a-proxy.");
        assert_eq!(secrets.redact(&text), format!("{before}(not shown)."));
    }
}

#[test]
fn a_secret_in_url_safe_base64_is_not_shown() {
    let secret = "IQoJb3JpZ2luX2VjEMv/////+++++/wEaCXVzLWVhc3QtMSJHMEUCIQDx==";
    let secrets = secrets_of(secret);
    let url_safe = secret.replace('/', "_").replace('+', "-");
    for text in [secret, &url_safe, url_safe.trim_end_matches('=')] {
        let redacted = secrets.redact(&format!("<{text}>")).replace('=', "");
        assert_eq!(redacted, "<(not shown)>", "{text}");
    }
}

#[test]
fn a_secret_is_not_shown_however_it_is_spelled() {
    let secrets = secrets_of("p@ss w\u{f6}rd%");
    for spelling in [
        "p@ss w\u{f6}rd%",
        "p%40ss%20w%C3%B6rd%25",
        "p%40ss+w%c3%B6rd%",
        "%70@ss w%C3%b6%72d%25",
        "p&#64;ss w&#xf6;rd&percnt;",
        "p%2540ss%2Bw%25C3%25B6rd%2525",
        "p&amp;#x40;ss w\\u00f6rd%",
        "\\U00000070@ss w\\U000000F6rd\\\\U00000025",
        "p\\x{40}ss w\\x{f6}rd%",
        "p=40ss w=C3=B6rd=25",
        "p\\100ss w\\303\\266rd\\045",
        "P=40SS w=c3=b6R=\r\nD=25",
        "P@sS W%C3%B6RD%",
    ] {
        let text = format!("\u{e9}{spelling}\u{e9}{spelling}.");
        let redacted = "\u{e9}(not shown)\u{e9}(not shown).";
        assert_eq!(secrets.redact(&text), redacted);
    }
    for other in ["", "p@ss", "p%4", "p%40ss%2", "p@ss w\u{f6}r\u{f6}"] {
        assert_eq!(secrets.redact(other), other);
    }
    // A secret that contains an escape is also redacted in its literal form.
    let secrets = secrets_of("of-a%2");
    assert_eq!(
        secrets.redact("of-a%25 of-a%252"),
        "(not shown)5 (not shown)"
    );
}

#[test]
fn a_secret_is_not_shown_as_the_digits_of_its_bytes() {
    let digits: Vec<String> = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect();
    let separators = [" ", ":", ", ", "-", "_", ".", " | ", "/", ";\n", "\u{b7}"];
    let separated = separators.map(|separator| digits.join(separator));
    for text in separated.into_iter().chain([digits.concat()]) {
        assert_eq!(secrets().redact(&format!("a {text}.")), "a (not shown).");
        let text = text.to_ascii_uppercase();
        assert_eq!(secrets().redact(&format!("0a{text}")), "0a(not shown)");
    }
}

#[test]
fn a_secret_in_base64_of_its_own_is_not_shown() {
    for (secret, text) in [
        ("foobar", "Zm9vYmFy"),
        ("foobars", "Zm9vYmFycw=="),
        ("foo~?>foo~?>", "Zm9vfj8+Zm9vfj8+"),
        ("foo~?>foo~?>", "Zm9vfj8-Zm9vfj8-"),
        ("foo~??foo~??", "Zm9vfj8_Zm9vfj8_"),
    ] {
        let redacted = secrets_of(secret).redact(&format!("a {text}."));
        assert_eq!(
            redacted.replace(['=', '+', '-'], ""),
            "a (not shown).",
            "{text}"
        );
    }
}

#[test]
fn a_secret_in_base32_is_not_shown() {
    for (secret, text) in [
        ("foobar", "MZXW6YTBOI======"),
        ("foobars", "mzxw6ytbojzq===="),
        ("foobar-secret", "MZXW6 YTBOI WXGZL DOJSX I==="),
    ] {
        let secrets = secrets_of(secret);
        let redacted = secrets.redact(&format!("a {text}.")).replace('=', "");
        assert_eq!(redacted, "a (not shown).", "{text}");
    }
}

#[test]
fn a_secret_is_not_shown_wherever_it_begins_in_an_encoding() {
    let secrets = secrets_of("ContTok/en+99=");
    for (text, expected) in [
        ("INXW45CUN5VS6ZLOFM4TSPI", "(not shown)"),
        ("INXW45CUN5VS6ZLOFM4TSPLZPI", "(not shown)ZPI"),
        ("PBBW63TUKRXWWL3FNYVTSOJ5", "P(not shown)"),
        ("PBBW63TUKRXWWL3FNYVTSOJ5PF5A", "P(not shown)PF5A"),
        ("PB4EG33OORKG62ZPMVXCWOJZHU", "PB4(not shown)"),
        ("PB4EG33OORKG62ZPMVXCWOJZHV4XU", "PB4(not shown)4XU"),
        ("PB4HQQ3PNZ2FI33LF5SW4KZZHE6Q", "PB4H(not shown)"),
        ("PB4HQQ3PNZ2FI33LF5SW4KZZHE6XS6Q", "PB4H(not shown)S6Q"),
        ("PB4HQ6CDN5XHIVDPNMXWK3RLHE4T2", "PB4HQ6(not shown)"),
        ("PB4HQ6CDN5XHIVDPNMXWK3RLHE4T26L2", "PB4HQ6(not shown)6L2"),
        ("Q29udFRvay9lbis5OT0", "(not shown)"),
        ("Q29udFRvay9lbis5OT15eg", "(not shown)5eg"),
        ("eENvbnRUb2svZW4rOTk9", "e(not shown)"),
        ("eENvbnRUb2svZW4rOTk9eXo", "e(not shown)eXo"),
        ("eHhDb250VG9rL2VuKzk5PQ", "eH(not shown)"),
        ("eHhDb250VG9rL2VuKzk5PXl6", "eH(not shown)l6"),
    ] {
        let lines = format!("{text}\n{text} {text}.");
        let redacted = format!("{expected}\n{expected} {expected}.");
        assert_eq!(secrets.redact(&lines), redacted);
        let (lines, redacted) = (lines.to_lowercase(), redacted.to_lowercase());
        assert_eq!(secrets.redact(&lines), redacted);
    }
}

#[test]
fn a_secret_is_not_shown_whatever_separates_its_characters() {
    let separators = [
        "_", "&", "\u{b7}", "\u{a0}", "\u{3000}", "\u{301}", "\u{fffd}", "\0", "\u{200b}", " / ",
        "</><",
    ];
    for secret in ["ContTok/en+999=", "of-a-Proxy-1234", "a1b2c3", TOKEN] {
        let secrets = secrets_of(secret);
        for separator in separators {
            let characters: Vec<String> = secret.chars().map(String::from).collect();
            let text = format!("is ({}).", characters.join(separator));
            let redacted = secrets
                .redact(&text)
                .replace('=', "")
                .replace(separator, "");
            assert_eq!(redacted, "is ((not shown)).", "{text}");
        }
    }
    // A few letters of a password can be an ordinary word.
    let secrets = secrets_of("!user-name!");
    assert_eq!(secrets.redact("user_name"), "user_name");
}

#[test]
fn a_secret_is_not_shown_although_it_is_wrapped() {
    let (start, end) = TOKEN.split_at(20);
    for line_break in [
        "\n", "\r\n", "%0A", "\\u000a", "&#10;", "\n    ", "\r\n\t", "\\n", "\\r\\n  ", "\\t", " ",
    ] {
        let text = format!("a\n{start}{line_break}{end}\nb");
        assert_eq!(secrets().redact(&text), "a\n(not shown)\nb");
    }
    let wrapped = TOKEN.as_bytes().chunks(8).map(String::from_utf8_lossy);
    let wrapped: Vec<_> = wrapped.collect();
    assert_eq!(secrets().redact(&wrapped.join("\n")), "(not shown)");
    // A token in a file may end its lines itself.
    let secrets = secrets_of("one\ntwo\nthree\n");
    assert_eq!(secrets.redact("a onetwothree b"), "a (not shown) b");
}

#[test]
fn other_text_is_as_it_was() {
    for secret in ["-----e", "%2B%2Be", "a=====", "     th"] {
        let text = "The quick e+e--e ab=c";
        assert_eq!(secrets_of(secret).redact(text), text, "{secret}");
    }
    for text in ["", "short", "IQoJb3JpZ2luX2", &"caf\u{e9} ".repeat(50)] {
        assert_eq!(secrets().redact(text), text);
        assert_eq!(Secrets::default().redact(text), text);
    }
}
