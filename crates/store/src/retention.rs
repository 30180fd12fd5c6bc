//! What must go: the link between business and answer after five rounds, and a business that asks to be erased.
use domain::ids::{BusinessId, MunicipalityId, PanelId, RoundId};
use domain::time::Millis;

use crate::sql::{call, columns, statements};
use crate::{Result, Store, StoreError, inbound};

/// The year that a round belongs to; that of a round of cases is its day.
macro_rules! year_of {
    ($round:literal) => {
        concat!("case when ", $round, "kind = 'cases' then ", $round, "year / 10000 else ", $round, "year end")
    };
}

statements! {
    TO_CUT = concat!("select id from rounds where municipality_id = $1 and ", year_of!(""), " <= $2 and state = 'closed' and links_cut_at is null order by year");
    STILL_RUNNING = concat!("select id from rounds where municipality_id = $1 and ", year_of!(""), " <= $2 and state in ('opening', 'open')");
    PANELS = concat!("select distinct x.panel_id from rounds r join response_panels x on x.round_id = r.id
        where r.municipality_id = $1 and ", year_of!("r."), " <= $2 and r.state = 'closed' and x.panel_id in (select panel_id from panel_links) order by 1 limit 500");
    REKEY_RESPONSES = concat!("update responses set panel_id = $4, reference_hash = null where panel_id = $3 and round_id in (
        select id from rounds where municipality_id = $1 and ", year_of!(""), " <= $2 and state = 'closed')");
    REKEY_PANELS = concat!("update response_panels set panel_id = $4 where panel_id = $3 and round_id in (
        select id from rounds where municipality_id = $1 and ", year_of!(""), " <= $2 and state = 'closed')");
    MARK_CUT = "update rounds set links_cut_at = $2 where id = $1";
    BUSINESS = "select id from businesses where id = $1 and municipality_id = $2";
    RESPONSES_OF = "select p.id from panel_links l join responses p on p.panel_id = l.panel_id where l.business_id = $1";
    DROP_ANSWERS = "delete from answers where response_id = $1";
    WITHDRAW = "update responses set status = 'withdrawn', submitted_at = null, reference_hash = null, last_screen = null, updated_at = $2, revision = revision + 1
        where id = $1 and status <> 'withdrawn'";
    DROP_WISHES = "delete from contact_wishes where invitation_id in (select id from invitations where business_id = $1)";
    CANCEL_MAIL = "update outbox set state = 'cancelled', words = '', updated_at = $2 where state in ('pending', 'deferred')
        and invitation_id in (select id from invitations where business_id = $1)";
    // A server's words may name the address.
    BLANK_WORDS = "update outbox set words = '' where invitation_id in (select id from invitations where business_id = $1)";
    // Those it has now and those it had before it passed an invitation on. A contact that writes for other businesses too stays.
    BLANK_CONTACTS = "update contacts set address = 'erased:' || id, suppressed_words = null, opted_out_at = coalesce(opted_out_at, $2)
        where (id in (select contact_id from invitations where business_id = $1)
            or id in (select o.contact_id from outbox o join invitations i on i.id = o.invitation_id where i.business_id = $1))
          and id not in (select i.contact_id from invitations i join invitation_businesses x on x.invitation_id = i.id
              where i.contact_id is not null and x.business_id <> $1)
          and id not in (select o.contact_id from outbox o join invitation_businesses x on x.invitation_id = o.invitation_id
              where x.business_id <> $1)";
    BLANK_ROWS = "update frame_rows set name = '', street = '', company_number = null, email = null, phone = null, protected_at = coalesce(protected_at, $2) where business_id = $1";
    NO_MORE = "update businesses set opted_out_at = coalesce(opted_out_at, $2) where id = $1";
    UNLINK = "delete from panel_links where business_id = $1";
    RELINK = "insert into panel_links (business_id, municipality_id, panel_id, created_at) values ($1, $2, $3, $4)";
}

impl Store {
    /// Cuts the link between businesses and their answers for every round up to `year`: the answers get new panel ids that
    /// nothing leads to. They keep these among each other, so the old years stay comparable; later rounds keep their link.
    /// Works in steps; a killed one goes on when called again. Returns how many panel ids were replaced.
    ///
    /// # Errors
    /// [`StoreError::State`] when one of these rounds still takes answers. A round that never left its draft has none.
    pub async fn cut_links(&self, municipality: &MunicipalityId, year: i32, now: Millis) -> Result<u64> {
        let (m, y) = (municipality.as_str(), i64::from(year));
        let mut cut = 0;
        loop {
            let mut tx = self.begin().await?;
            if call(STILL_RUNNING).text(m).int(y).maybe_row(&mut tx).await?.is_some() {
                return Err(StoreError::State("a round of these years is not closed"));
            }
            let panels = call(PANELS).text(m).int(y).rows(&mut tx).await?;
            for row in &panels {
                let old = columns(row).text()?;
                let new = PanelId::random();
                call(REKEY_RESPONSES).text(m).int(y).text(&old).text(new.as_str()).run(&mut tx).await?;
                call(REKEY_PANELS).text(m).int(y).text(&old).text(new.as_str()).run(&mut tx).await?;
            }
            cut += panels.len() as u64;
            if panels.is_empty() {
                for row in call(TO_CUT).text(m).int(y).rows(&mut tx).await? {
                    let round = RoundId(columns(&row).text()?);
                    call(MARK_CUT).text(round.as_str()).at(now).run(&mut tx).await?;
                }
                tx.commit().await?;
                return Ok(cut);
            }
            tx.commit().await?;
        }
    }

    /// Erases what we know of a business: answers, wishes, name, address and mail address. It stays in the frames as a
    /// unit without a name, so that counts and published figures do not move, and is never approached again.
    pub async fn erase_business(
        &self,
        municipality: &MunicipalityId,
        business: &BusinessId,
        now: Millis,
    ) -> Result<()> {
        let b = business.as_str();
        let mut tx = self.begin().await?;
        call(BUSINESS).text(b).text(municipality.as_str()).row(&mut tx, "business").await?;
        for row in call(RESPONSES_OF).text(b).rows(&mut tx).await? {
            let response = columns(&row).text()?;
            call(DROP_ANSWERS).text(&response).run(&mut tx).await?;
            crate::codes::drop_of(&mut tx, &response).await?;
            call(WITHDRAW).text(&response).at(now).run(&mut tx).await?;
        }
        crate::drafts::drop_of_business(&mut tx, b).await?;
        crate::calls::tidy_business(&mut tx, b).await?;
        crate::cases::forget(&mut tx, b).await?;
        crate::follow::drop_of_business(&mut tx, b).await?;
        crate::edits::drop_of_business(&mut tx, b).await?;
        call(DROP_WISHES).text(b).run(&mut tx).await?;
        call(CANCEL_MAIL).text(b).at(now).run(&mut tx).await?;
        call(BLANK_WORDS).text(b).run(&mut tx).await?;
        inbound::forget(&mut tx, business).await?;
        call(BLANK_CONTACTS).text(b).at(now).run(&mut tx).await?;
        call(BLANK_ROWS).text(b).at(now).run(&mut tx).await?;
        call(NO_MORE).text(b).at(now).run(&mut tx).await?;
        call(UNLINK).text(b).run(&mut tx).await?;
        call(RELINK).text(b).text(municipality.as_str()).text(PanelId::random().as_str()).at(now).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}
