//! Telephone: who is to be called, what came of it, and where everybody of the round ended.
use domain::calls::{CallOutcome, Disposition};
use domain::fieldwork::ResponseStatus;
use domain::ids::{BusinessId, InvitationId, MailId, MunicipalityId, RoundId, UserId};
use domain::time::Millis;
use sqlx::AnyConnection;

use crate::bases::permitted;
use crate::respondent::{CANCEL_MAIL, NO_THIS_ROUND};
use crate::sql::{call, columns, statements};
use crate::{Result, Store, StoreError, rounds};

statements! {
    // Protected businesses without a basis, those that said no and those that have answered are called by nobody.
    TO_CALL = concat!("select i.id, f.business_id, f.name, f.city, f.sector, f.size, f.phone,
            (select count(*) from calls x where x.round_id = i.round_id and x.business_id = i.business_id),
            k.outcome, k.at, k.again_on, k.note,
            case when exists (select 1 from call_holds h where h.round_id = i.round_id and h.business_id = i.business_id and h.until_at > $3 and h.user_id <> $4) then 1 else 0 end
        from invitations i
        join rounds r on r.id = i.round_id
        join businesses b on b.id = i.business_id
        join frame_rows f on f.import_id = r.import_id and f.business_id = i.business_id
        left join contacts c on c.id = i.contact_id
        left join panel_links l on l.business_id = i.business_id
        left join response_panels rp on rp.round_id = i.round_id and rp.panel_id = l.panel_id
        left join responses p on p.id = rp.response_id
        left join calls k on k.id = (select x.id from calls x where x.round_id = i.round_id and x.business_id = i.business_id order by x.at desc, x.id desc limit 1)
        where i.round_id = $1 and i.municipality_id = $2 and f.phone is not null and f.phone <> '' and ", permitted!("$1"), " and i.barred_at is null
          and i.opted_out_at is null and b.opted_out_at is null and (c.id is null or c.opted_out_at is null)
          and (p.id is null or p.status not in ('complete', 'withdrawn'))
        order by f.sector, f.name, f.business_id");
    HOLD = "insert into call_holds (round_id, business_id, user_id, until_at) values ($1, $2, $3, $4)
        on conflict (round_id, business_id) do update set user_id = excluded.user_id, until_at = excluded.until_at
        where call_holds.until_at <= $5 or call_holds.user_id = excluded.user_id";
    HOLDER = "select user_id from call_holds where round_id = $1 and business_id = $2 and until_at > $3";
    RELEASE = "delete from call_holds where round_id = $1 and business_id = $2 and user_id = $3";
    RECORD = "insert into calls (id, municipality_id, round_id, business_id, user_id, outcome, again_on, note, at)
        select $1, i.municipality_id, i.round_id, i.business_id, $4, $5, $6, $7, $8 from invitations i where i.id = $2 and i.municipality_id = $3";
    OF_BUSINESS = "select k.outcome, k.at, k.again_on, k.note, u.name from calls k join users u on u.id = k.user_id
        where k.municipality_id = $1 and k.round_id = $2 and k.business_id = $3 order by k.at desc, k.id desc";
    WHERE_IT_ENDED = "select e.status, e.said, e.no, e.returned, e.invited, e.outcome, count(*) from (
        select p.status as status,
            case when exists (select 1 from answers a where a.response_id = p.id) then 1 else 0 end as said,
            case when i.opted_out_at is not null or b.opted_out_at is not null or p.status = 'withdrawn' then 1 else 0 end as no,
            case when i.id is not null and (select o.state from outbox o where o.invitation_id = i.id and o.state in ('sent', 'failed', 'uncertain')
                order by o.generation desc, o.wave desc limit 1) = 'failed' then 1 else 0 end as returned,
            case when i.id is not null then 1 else 0 end as invited,
            (select x.outcome from calls x where x.round_id = $1 and x.business_id = i.business_id order by x.at desc, x.id desc limit 1) as outcome
        from frame_rows f
        join businesses b on b.id = f.business_id
        left join invitation_businesses ib on ib.round_id = $1 and ib.business_id = f.business_id
        left join invitations i on i.id = ib.invitation_id
        left join panel_links l on l.business_id = f.business_id
        left join response_panels rp on rp.round_id = $1 and rp.panel_id = l.panel_id
        left join responses p on p.id = rp.response_id
        where f.import_id = $2) e
        group by e.status, e.said, e.no, e.returned, e.invited, e.outcome";
    BLANK_NOTES = "update calls set note = '' where round_id = $1 and note <> ''";
    DROP_HOLDS = "delete from call_holds where round_id = $1";
    BLANK_NOTES_OF = "update calls set note = '' where business_id = $1 and note <> ''";
    DROP_HOLDS_OF = "delete from call_holds where business_id = $1";
}

/// A call is held for so long: longer than an interview, shorter than a working day.
const HOLD_SECONDS: i64 = 60 * 60;

/// A business to be called. No `Debug`: it holds a number.
#[derive(Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Its invitation.
    pub invitation: InvitationId,
    /// The business.
    pub business: BusinessId,
    /// Its name.
    pub name: String,
    /// Town.
    pub city: String,
    /// Sector key.
    pub sector: String,
    /// Size key.
    pub size: String,
    /// Telephone number, as in the register.
    pub phone: String,
    /// Calls so far.
    pub calls: u64,
    /// The latest one.
    pub last: Option<CallEntry>,
    /// Somebody else has it on the line.
    pub held: bool,
}

/// A call that was made. No `Debug`: its note is about a person.
#[derive(Clone, PartialEq, Eq)]
pub struct CallEntry {
    /// What came of it.
    pub outcome: CallOutcome,
    /// When.
    pub at: Millis,
    /// The day on which to call again, `yyyy-mm-dd`.
    pub again_on: Option<String>,
    /// What the next caller should know.
    pub note: String,
    /// Who called; empty in a list.
    pub by: String,
}

/// A call to be noted.
#[derive(Clone)]
pub struct NewCall<'a> {
    /// Whom.
    pub invitation: &'a InvitationId,
    /// Who called.
    pub user: &'a UserId,
    /// What came of it.
    pub outcome: CallOutcome,
    /// The day on which to call again.
    pub again_on: Option<&'a str>,
    /// What the next caller should know.
    pub note: &'a str,
}

/// Where businesses ended: a code and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispositionRow {
    /// AAPOR's code.
    pub code: &'static str,
    /// Where it belongs.
    pub kind: Disposition,
    /// How many businesses of the frame.
    pub count: u64,
}

impl Store {
    /// Everybody who may be called and is not through yet, by sector and name.
    pub async fn to_call(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        user: &UserId,
        now: Millis,
    ) -> Result<Vec<CallRow>> {
        let rows = call(TO_CALL)
            .text(round.as_str())
            .text(municipality.as_str())
            .at(now)
            .text(user.as_str())
            .rows(&mut *self.read().await?)
            .await?;
        let mut found = Vec::new();
        for row in &rows {
            let mut c = columns(row);
            let mut read = CallRow {
                invitation: InvitationId(c.text()?),
                business: BusinessId(c.text()?),
                name: c.text()?,
                city: c.text()?,
                sector: c.text()?,
                size: c.text()?,
                phone: c.text()?,
                calls: c.count()?,
                last: None,
                held: false,
            };
            let outcome = c.maybe_word("outcome", CallOutcome::parse)?;
            let (at, again_on, note) = (c.maybe_at()?, c.maybe()?, c.maybe()?);
            read.held = c.yes()?;
            if let (Some(outcome), Some(at)) = (outcome, at) {
                read.last =
                    Some(CallEntry { outcome, at, again_on, note: note.unwrap_or_default(), by: String::new() });
            }
            if read.last.as_ref().is_none_or(|l| !l.outcome.is_final()) {
                found.push(read);
            }
        }
        Ok(found)
    }

    /// Keeps a business for one caller for an hour.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else has it on the line.
    pub async fn hold_call(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        business: &BusinessId,
        user: &UserId,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        rounds::load(&mut tx, municipality, round).await?;
        let held = call(HOLD)
            .text(round.as_str())
            .text(business.as_str())
            .text(user.as_str())
            .at(now.plus_seconds(HOLD_SECONDS))
            .at(now)
            .run(&mut tx)
            .await?;
        if held == 0 {
            return Err(StoreError::Conflict("a call to this business"));
        }
        Ok(tx.commit().await?)
    }

    /// Who has a business on the line.
    pub async fn call_holder(&self, round: &RoundId, business: &BusinessId, now: Millis) -> Result<Option<UserId>> {
        let found = call(HOLDER)
            .text(round.as_str())
            .text(business.as_str())
            .at(now)
            .maybe_row(&mut *self.read().await?)
            .await?;
        found.map(|row| Ok(UserId(columns(&row).text()?))).transpose()
    }

    /// Notes what came of a call and lets the business go. A refusal says no to this round's mail too.
    pub async fn record_call(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        business: &BusinessId,
        new: NewCall<'_>,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(RECORD)
            .text(MailId::new(now).as_str())
            .text(new.invitation.as_str())
            .text(municipality.as_str())
            .text(new.user.as_str())
            .text(new.outcome.as_str())
            .maybe(new.again_on)
            .text(new.note)
            .at(now)
            .run_one(&mut tx, "invitation")
            .await?;
        call(RELEASE).text(round.as_str()).text(business.as_str()).text(new.user.as_str()).run(&mut tx).await?;
        if matches!(new.outcome.disposition(), Disposition::Refusal | Disposition::Ineligible) && new.outcome.is_final()
        {
            call(NO_THIS_ROUND).text(new.invitation.as_str()).at(now).run(&mut tx).await?;
            call(CANCEL_MAIL).text(new.invitation.as_str()).at(now).run(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The calls to a business in a round, newest first.
    pub async fn calls_to(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        business: &BusinessId,
    ) -> Result<Vec<CallEntry>> {
        let rows = call(OF_BUSINESS)
            .text(municipality.as_str())
            .text(round.as_str())
            .text(business.as_str())
            .rows(&mut *self.read().await?)
            .await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(CallEntry {
                    outcome: c.word("outcome", CallOutcome::parse)?,
                    at: c.at()?,
                    again_on: c.maybe()?,
                    note: c.text()?,
                    by: c.text()?,
                })
            })
            .collect()
    }

    /// Where everybody of the frame stands, by AAPOR's codes; the counts add up to the frame.
    pub async fn dispositions(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<DispositionRow>> {
        let mut conn = self.read().await?;
        let found = rounds::load(&mut conn, municipality, round).await?;
        let Some(frame) = found.frame else { return Ok(Vec::new()) };
        let mut ended: Vec<DispositionRow> = Vec::new();
        for row in call(WHERE_IT_ENDED).text(round.as_str()).text(frame.as_str()).rows(&mut conn).await? {
            let mut c = columns(&row);
            let status = c.maybe_word("status", ResponseStatus::parse)?;
            let seen = Seen { status, said: c.yes()?, no: c.yes()?, returned: c.yes()?, invited: c.yes()? };
            let outcome = c.maybe_word("outcome", CallOutcome::parse)?;
            let count = c.count()?;
            let (code, kind) = ended_as(seen, outcome);
            match ended.iter_mut().find(|e| e.code == code) {
                Some(known) => known.count += count,
                None => ended.push(DispositionRow { code, kind, count }),
            }
        }
        ended.sort_by_key(|e| e.code);
        Ok(ended)
    }
}

/// What is known of a business beside its calls.
#[derive(Debug, Clone, Copy)]
struct Seen {
    status: Option<ResponseStatus>,
    /// At least one question is answered.
    said: bool,
    /// It said no to mail or took its answer back.
    no: bool,
    /// The last mail came back.
    returned: bool,
    invited: bool,
}

/// The one code under which a business counts. A page that was opened and left without an answer is an implicit refusal, one that was
/// begun a break-off; what a later call says of a business that never answered counts more than silence.
fn ended_as(seen: Seen, outcome: Option<CallOutcome>) -> (&'static str, Disposition) {
    match (seen.status, outcome) {
        (Some(ResponseStatus::Complete), _) => ("1.1", Disposition::Interview),
        (Some(ResponseStatus::Partial), _) => ("1.2", Disposition::Interview),
        (_, Some(closed @ CallOutcome::Closed)) => (closed.code(), closed.disposition()),
        _ if seen.no => ("2.11", Disposition::Refusal),
        (Some(ResponseStatus::Started), _) if seen.said => ("2.12", Disposition::Refusal),
        (_, Some(outcome)) if outcome != CallOutcome::Interview => (outcome.code(), outcome.disposition()),
        (Some(ResponseStatus::Started), _) => ("2.112", Disposition::Refusal),
        _ if seen.returned => ("3.30", Disposition::Unknown),
        _ if seen.invited => ("3.19", Disposition::Unknown),
        _ => ("3.11", Disposition::Unknown),
    }
}

/// A round that closes keeps outcomes, but no notes and nobody on the line.
pub(crate) async fn tidy_round(conn: &mut AnyConnection, round: &str) -> Result<()> {
    call(BLANK_NOTES).text(round).run(conn).await?;
    call(DROP_HOLDS).text(round).run(conn).await?;
    Ok(())
}

/// Of a business that is erased no note stays.
pub(crate) async fn tidy_business(conn: &mut AnyConnection, business: &str) -> Result<()> {
    call(BLANK_NOTES_OF).text(business).run(conn).await?;
    call(DROP_HOLDS_OF).text(business).run(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_business_counts_under_the_code_of_the_standard() {
        let silent = Seen { status: None, said: false, no: false, returned: false, invited: true };
        let status = |status, said| Seen { status: Some(status), said, ..silent };
        let code = |seen, outcome| ended_as(seen, outcome).0;
        assert_eq!(code(Seen { invited: false, ..silent }, None), "3.11");
        assert_eq!(code(silent, None), "3.19");
        assert_eq!(code(Seen { returned: true, ..silent }, None), "3.30");
        assert_eq!(code(Seen { no: true, ..silent }, None), "2.11");
        assert_eq!(code(status(ResponseStatus::Started, false), None), "2.112", "logged on, answered nothing");
        assert_eq!(code(status(ResponseStatus::Started, true), None), "2.12", "broke off");
        assert_eq!(code(status(ResponseStatus::Started, false), Some(CallOutcome::NoAnswer)), "3.13");
        assert_eq!(code(status(ResponseStatus::Partial, true), Some(CallOutcome::Refused)), "1.2");
        assert_eq!(code(status(ResponseStatus::Complete, true), None), "1.1");
        assert_eq!(code(Seen { returned: true, ..silent }, Some(CallOutcome::WrongNumber)), "3.90");
        assert_eq!(
            code(Seen { no: true, ..silent }, Some(CallOutcome::Closed)),
            "4.10",
            "it does not belong, whatever it said"
        );
    }
}
