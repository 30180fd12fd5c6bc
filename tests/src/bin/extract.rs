//! For the browser tests: writes the extract of [`e2e::extract`] to a file and prints, as JSON, who will answer what.
use e2e::extract::{
    ANSWERING, INVITED, LEFT_OUT, LETTERS, MUNICIPALITY_CODE, TAKEN, businesses, index_by_hand, workbook,
};

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).ok_or_else(|| anyhow::anyhow!("usage: extract FILE.xlsx"))?;
    std::fs::write(&path, workbook())?;
    let rows: Vec<_> = businesses()
        .into_iter()
        .map(|b| serde_json::json!({ "name": b.name, "email": b.email, "scores": b.scores, "shop": b.is_shop }))
        .collect();
    let facts = serde_json::json!({
        "businesses": rows,
        "index": index_by_hand(),
        "code": MUNICIPALITY_CODE,
        "taken": TAKEN,
        "leftOut": LEFT_OUT,
        "invited": INVITED,
        "letters": LETTERS,
        "answering": ANSWERING,
    });
    println!("{facts}");
    Ok(())
}
