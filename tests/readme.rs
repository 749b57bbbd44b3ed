//! The README's tables of keys are the keymap's own. `REPLYDECK_BLESS=1` writes them anew.

use std::path::Path;

use replydeck::app::keymap::Keymap;

const START: &str = "<!-- keys:start -->\n";
const END: &str = "<!-- keys:end -->";

#[test]
fn the_keys_in_the_readme_are_those_of_the_keymap() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme.split_once(START).expect("where the keys start");
    let (keys, after) = rest.split_once(END).expect("where the keys end");
    let wanted = Keymap::default().markdown();
    if std::env::var_os("REPLYDECK_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{START}{wanted}{END}{after}")).expect("the README is written");
        return;
    }
    assert!(keys == wanted, "the keys changed: run REPLYDECK_BLESS=1 cargo test --test readme");
}
