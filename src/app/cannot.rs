//! What the network at hand cannot do: said in the hints, the help and the palette, before a key is pressed.

use super::command::Command;
use super::{App, ColumnSource, Mode};

impl App {
    /// Why a command can do nothing here, in words; `None` where it can.
    pub fn cannot(&self, command: Command) -> Option<String> {
        match command {
            Command::FindNetwork => {
                let is_open = matches!(&self.mode, Mode::Find(find) if find.network.is_some());
                if is_open || self.searched_source().is_some() {
                    return None;
                }
                let column = self.setup.columns.get(self.focus).or_else(|| self.setup.columns.first())?;
                let network = column.main().network;
                Some(if network.search_wants_login() {
                    format!("{network} is searched only by accounts that can write: give this one its password")
                } else {
                    format!("{network} has no search this deck can ask")
                })
            }
            Command::AskCount => {
                let Mode::AddColumn(adding) = &self.mode else { return None };
                let network = self.account(&adding.account)?.network;
                (!network.takes_rules()).then(|| format!("{network} does not say how many posts a query brings"))
            }
            _ => None,
        }
    }

    /// Says why a command can do nothing here. Whether it was said.
    pub(super) fn says_it_cannot(&mut self, command: Command) -> bool {
        let Some(why) = self.cannot(command) else { return false };
        if let Mode::AddColumn(adding) = &mut self.mode {
            adding.said = Some(why);
        } else {
            self.info(why);
        }
        true
    }

    /// Where `g/` searches: on the network of the post in hand, else on the first of the focused column that can be
    /// searched.
    pub(super) fn searched_source(&self) -> Option<&ColumnSource> {
        let column = self.setup.columns.get(self.focus).or_else(|| self.setup.columns.first())?;
        let of_post = self.post_in_hand().and_then(|post| column.on(post.id.network()));
        let mut sources = of_post.into_iter().chain([column.main()]).chain(&column.sources);
        let may_ask = |source: &&ColumnSource| {
            let can_write = || self.account(&source.account).is_some_and(|account| account.can_send);
            source.network.has_search() && (!source.network.search_wants_login() || can_write())
        };
        sources.find(may_ask)
    }
}
