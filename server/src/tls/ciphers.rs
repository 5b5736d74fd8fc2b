//! `ssl_ciphers`: OpenSSL's language of cipher lists, read for the ciphers that are served. As in OpenSSL it is about
//! TLS 1.2; those of TLS 1.3 are all there always.

use rustls::crypto::ring::cipher_suite::*;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// The ciphers of TLS 1.2, best first: OpenSSL's name, and the words of its language that mean it among others.
const KNOWN: [(SupportedCipherSuite, &str, &[&str]); 6] = [
    (
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        &["ECDSA", "aECDSA", "AES", "AES256", "AESGCM"],
    ),
    (
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        &["ECDSA", "aECDSA", "AES", "AES128", "AESGCM"],
    ),
    (
        TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        &["ECDSA", "aECDSA", "CHACHA20"],
    ),
    (
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-RSA-AES256-GCM-SHA384",
        &["RSA", "aRSA", "AES", "AES256", "AESGCM"],
    ),
    (
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-RSA-AES128-GCM-SHA256",
        &["RSA", "aRSA", "AES", "AES128", "AESGCM"],
    ),
    (
        TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-RSA-CHACHA20-POLY1305",
        &["RSA", "aRSA", "CHACHA20"],
    ),
];

/// Words that mean all of them.
const ALL: [&str; 7] = ["ALL", "DEFAULT", "HIGH", "ECDHE", "EECDH", "kECDHE", "TLSv1.2"];

/// The ciphers to offer: those of TLS 1.3, and of TLS 1.2 those that the list leaves.
pub fn choose(list: Option<&str>) -> Result<Vec<SupportedCipherSuite>, String> {
    let newest = |suite: &&SupportedCipherSuite| {
        let version: &SupportedProtocolVersion = suite.version();
        version.version == rustls::ProtocolVersion::TLSv1_3
    };
    let all = rustls::crypto::ring::ALL_CIPHER_SUITES;
    let mut chosen: Vec<_> = all.iter().filter(newest).copied().collect();
    let wanted = match list {
        None => (0..KNOWN.len()).collect(),
        Some(list) => read(list),
    };
    if wanted.is_empty() {
        let names = KNOWN.map(|(_, name, _)| name).join(":");
        return Err(format!(
            "Error setting the provided cipher(s): {}: none of them is served; those are {names}",
            list.unwrap_or_default()
        ));
    }
    chosen.extend(wanted.into_iter().map(|number| KNOWN[number].0));
    Ok(chosen)
}

/// Which of [`KNOWN`] a list leaves, in its order. A word that is unknown here names ciphers that are not served.
fn read(list: &str) -> Vec<usize> {
    let (mut chosen, mut banned) = (Vec::new(), Vec::new());
    let separator = |character| matches!(character, ':' | ',' | ' ' | ';');
    for word in list.split(separator).filter(|word| !word.is_empty()) {
        let (sign, word) = match word.as_bytes()[0] {
            sign @ (b'!' | b'-' | b'+') => (sign, &word[1..]),
            _ => (b' ', word),
        };
        let meant = |number: &usize| {
            let (_, name, words) = KNOWN[*number];
            word.split('+').all(|part| part == name || ALL.contains(&part) || words.contains(&part))
        };
        let mut meant: Vec<usize> = (0..KNOWN.len()).filter(meant).collect();
        match sign {
            b' ' => {
                meant.retain(|number| !chosen.contains(number) && !banned.contains(number));
                chosen.extend(meant);
            }
            // Moved to the end.
            b'+' => {
                meant.retain(|number| chosen.contains(number));
                chosen.retain(|number| !meant.contains(number));
                chosen.extend(meant);
            }
            sign => {
                chosen.retain(|number| !meant.contains(number));
                if sign == b'!' {
                    banned.extend(meant);
                }
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssls_lists() {
        for (list, expected) in [
            ("HIGH:!aNULL:!MD5", &[0, 1, 2, 3, 4, 5][..]),
            ("ECDHE+AESGCM:!ECDSA", &[3, 4]),
            ("ECDHE-RSA-AES128-GCM-SHA256", &[4]),
            ("ECDHE-RSA-CHACHA20-POLY1305:AES256-SHA,ECDHE-RSA-AES256-GCM-SHA384", &[5, 3]),
            ("ALL:-RSA:ECDHE-RSA-AES128-GCM-SHA256", &[0, 1, 2, 4]),
            ("!AES128:ALL:+CHACHA20", &[0, 3, 2, 5]),
            ("HIGH:@STRENGTH", &[0, 1, 2, 3, 4, 5]),
            ("RC4-SHA", &[]),
            ("\u{e9}:-", &[]),
            ("", &[]),
        ] {
            assert_eq!(read(list), expected, "{list}");
        }
        assert_eq!(choose(None).expect("all").len(), 9);
        assert_eq!(choose(Some("AES128+RSA")).expect("one").len(), 4);
        let wrong = choose(Some("RC4-SHA")).expect_err("nothing is left");
        assert!(wrong.contains("RC4-SHA") && wrong.contains("ECDHE-ECDSA"), "{wrong}");
    }
}
