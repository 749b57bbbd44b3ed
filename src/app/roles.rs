//! What role each command needs. Every command is named: a new one does not build without saying so.

use super::App;
use super::command::Command;
use crate::desk::CaseDraft;
use crate::model::deed::WATCHER_SENDS_NOTHING;
use crate::model::{AccountName, Body, BodyId, Hit, NetworkKind, Role};

impl Command {
    /// The least role whose keys may do it.
    pub fn needs(self) -> Role {
        match self {
            Command::MoveDown
            | Command::MoveUp
            | Command::ToTop
            | Command::ToBottom
            | Command::HalfPageDown
            | Command::HalfPageUp
            | Command::PageDown
            | Command::PageUp
            | Command::Column(_)
            | Command::LastColumn
            | Command::GoToColumn
            | Command::ColumnLeft
            | Command::ColumnRight
            | Command::NextPane
            | Command::PreviousPane
            | Command::NextNews
            | Command::GoLive
            | Command::HoldColumn
            | Command::NextUnanswered
            | Command::PreviousUnanswered
            | Command::MostOverdue
            | Command::MyQueue
            | Command::FillGap
            | Command::Open
            | Command::Back
            | Command::CopyLink
            | Command::CopyText
            | Command::CopyHandle
            | Command::CopyCase
            | Command::OpenPage
            | Command::Undo
            | Command::Person
            | Command::History
            | Command::Outbox
            | Command::Drafts
            | Command::Links
            | Command::Notices
            | Command::Find
            | Command::FindNetwork
            | Command::Palette
            | Command::CommandLine
            | Command::Help
            | Command::Repaint
            | Command::Suspend
            | Command::Interrupt
            | Command::Quit
            | Command::QuitKeep
            | Command::NextCheck
            | Command::Follow
            | Command::Tag
            | Command::CompleteTag
            | Command::Mark
            | Command::ClearMarks
            | Command::Note
            | Command::SaveNote
            | Command::Spend
            | Command::Report
            | Command::RefreshReport
            | Command::NextSpan
            | Command::NextField
            | Command::AskCount => Role::Watcher,
            Command::Acknowledge
            | Command::RequestDm
            | Command::AcknowledgeAndRequestDm
            | Command::DirectMessage
            | Command::OptOut
            | Command::LiftOptOut
            | Command::AskHappyPost
            | Command::Claim
            | Command::TakeOver
            | Command::AnswerNewest
            | Command::Release
            | Command::Assign
            | Command::Snooze
            | Command::Wake
            | Command::Prioritise
            | Command::Resolve
            | Command::ToggleClosing
            | Command::Dismiss
            | Command::Reopen
            | Command::TurnRound
            | Command::InsertSavedReply
            | Command::EditExternally
            | Command::UndoTyping
            | Command::RedoTyping
            | Command::Preview
            | Command::Send
            | Command::Edit
            | Command::Keep
            | Command::HandOver
            | Command::RetryReply
            | Command::EditReply
            | Command::DropReply
            | Command::ReadBack
            | Command::DropDraft
            | Command::NextDraft
            | Command::QuitSendNow
            | Command::ToggleLink
            | Command::RaiseLimit
            | Command::AddColumn => Role::Rep,
        }
    }
}

impl App {
    /// Whether the rep may read the direct messages of an account; of one that is not known, of all on its network.
    pub fn may_read_messages(&self, account: Option<&AccountName>, network: NetworkKind) -> bool {
        self.setup.may_read_messages(account, network)
    }

    /// A draft of a direct message is for the account's reps too, and for whoever wrote it.
    pub fn may_read_draft(&self, draft: &CaseDraft) -> bool {
        !draft.purpose.is_private()
            || draft.rep == self.setup.me
            || NetworkKind::ALL.into_iter().all(|network| self.may_read_messages(None, network))
    }

    /// What a search of the store may show the rep: of replies it is not always known whether they were public, so who
    /// is kept from an account's messages sees only those that were.
    pub(super) fn may_read_hit(&self, hit: &Hit) -> bool {
        match &hit.body {
            Body::Message(message) => self.may_read_messages(None, message.id.network()),
            Body::Reply(_) => {
                let reply = self.desk.replies.values().find(|reply| BodyId::reply(reply.id) == hit.id);
                match reply {
                    Some(reply) if !reply.purpose.is_private() => true,
                    Some(reply) => self.may_read_messages(Some(&reply.account), reply.to.network()),
                    None => NetworkKind::ALL.into_iter().all(|network| self.may_read_messages(None, network)),
                }
            }
            Body::Post(_) | Body::Draft(_) | Body::Note(_) | Body::BegunNote(_) => true,
        }
    }

    /// Whether the rep's role allows a command; says so where it does not.
    pub(super) fn has_role_for(&mut self, command: Command) -> bool {
        let (role, needs) = (self.setup.role, command.needs());
        if role >= needs {
            return true;
        }
        let words = match role {
            Role::Watcher => WATCHER_SENDS_NOTHING.to_owned(),
            Role::Rep | Role::Lead => format!("{} needs the role of a {}", command.name(), needs.word()),
        };
        self.warn(words);
        false
    }
}
