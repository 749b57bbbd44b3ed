//! Who somebody is, and whether they take our direct messages.

use serde_json::json;

use super::super::state::State;
use super::auth::Who;
use super::bill::Item;
use super::dm;
use super::fields::{Choice, Place};
use super::render::user_json;
use super::{Answer, Call, problem};

pub(super) fn me(state: &mut State, who: Who, call: &Call) -> Result<Answer, Answer> {
    let choice = Choice::read(&call.query, Place::User, state.x.names)?;
    let Who::User(_, person) = who else { return Err(problem::unauthorized()) };
    let person = state.world.people.get(&person).ok_or_else(problem::unauthorized)?;
    state.x.bill.add(Item::UserRead, person.id, call.now);
    Ok(Answer::json(200, json!({"data": user_json(person, &choice.user, None, state.x.names)})))
}

/// By id, or by handle.
pub(super) fn read(state: &mut State, id: &str, who: Who, call: &Call) -> Result<Answer, Answer> {
    let choice = Choice::read(&call.query, Place::User, state.x.names)?;
    let by_handle = call.path.contains("/by/username/");
    let person = if by_handle {
        state.world.person_named(id)
    } else {
        let number: u64 = id.parse().map_err(|_| {
            problem::invalid(Some(("id", id)), &format!("The `id` query parameter value [{id}] is not valid"))
        })?;
        state.world.people.get(&number)
    };
    let Some(person) = person else {
        let parameter = if by_handle { "username" } else { "id" };
        return Ok(Answer::json(200, json!({"errors": [problem::not_found("user", parameter, id)]})));
    };
    state.x.bill.add(Item::UserRead, person.id, call.now);
    // Only a user can be told how somebody stands to them.
    let receives = (who != Who::App).then(|| dm::may_write(person));
    Ok(Answer::json(200, json!({"data": user_json(person, &choice.user, receives, state.x.names)})))
}
