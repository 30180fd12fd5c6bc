//! Sectors (grouping `dst10`), the trades in them, and each trade's code in both classifications.
//!
//! DB07 codes are Statistics Denmark's subclasses. A DB25 code is the class of NACE rev. 2.1 to which the trade moved,
//! with the national digits 00.

/// A sector's part of the municipality.
pub struct SectorShape {
    /// Key in the grouping `dst10`.
    pub key: &'static str,
    /// Share of all workplaces, in percent.
    pub share: f64,
    /// How much readier it is to answer (log-odds).
    pub readiness: f64,
    /// How much more satisfied it is than others, in standard deviations of opinion.
    pub mood: f64,
}

/// The ten sectors in the grouping's order.
pub const SECTORS: [SectorShape; 10] = [
    SectorShape { key: "agriculture", share: 5.0, readiness: 0.25, mood: -0.10 },
    SectorShape { key: "industry", share: 8.0, readiness: 0.45, mood: 0.05 },
    SectorShape { key: "construction", share: 15.0, readiness: -0.15, mood: -0.20 },
    SectorShape { key: "trade_transport", share: 27.0, readiness: -0.40, mood: -0.05 },
    SectorShape { key: "information", share: 6.0, readiness: 0.10, mood: 0.10 },
    SectorShape { key: "finance", share: 4.0, readiness: 0.05, mood: 0.15 },
    SectorShape { key: "real_estate", share: 6.0, readiness: -0.10, mood: -0.10 },
    SectorShape { key: "business_services", share: 15.0, readiness: 0.15, mood: 0.05 },
    SectorShape { key: "public", share: 8.0, readiness: 0.30, mood: 0.10 },
    SectorShape { key: "culture_other", share: 6.0, readiness: -0.05, mood: 0.0 },
];

/// A trade: what a business lives by.
pub struct Trade {
    /// Place of its sector in [`SECTORS`].
    pub sector: usize,
    /// DB07 code.
    pub db07: &'static str,
    /// DB25 code.
    pub db25: &'static str,
    /// Weight within the sector.
    pub weight: f64,
    /// How large its businesses are: 0 small, 1 usual, 2 large.
    pub scale: usize,
    /// Names: `{s}` surname, `{f}` first name, `{p}` place.
    pub names: &'static [&'static str],
}

const fn trade(
    sector: usize,
    db07: &'static str,
    db25: &'static str,
    weight: f64,
    scale: usize,
    names: &'static [&'static str],
) -> Trade {
    Trade { sector, db07, db25, weight, scale, names }
}

/// The trades of the municipality.
pub const TRADES: [Trade; 69] = [
    trade(0, "01.11.00", "01.11.00", 4.0, 0, &["{p}gård", "{f} {s}, planteavl", "{p} Planteavl"]),
    trade(0, "01.50.00", "01.50.00", 3.0, 0, &["{p}lund Landbrug", "Gården {p}", "{f} {s}, landbrug"]),
    trade(0, "02.20.00", "02.20.00", 1.0, 0, &["{p} Skovservice", "{s} Skov"]),
    trade(1, "10.71.20", "10.71.00", 2.0, 1, &["{p} Brødfabrik", "{s} Bagværk", "Bageriet {p}"]),
    trade(1, "16.23.00", "16.23.00", 1.0, 1, &["{p} Vinduer", "{s} Træelementer"]),
    trade(1, "18.12.00", "18.12.00", 1.0, 1, &["{p} Tryk", "{s} Bogtryk"]),
    trade(1, "22.29.00", "22.26.00", 1.5, 2, &["{p} Plast", "{s} Formstøbning"]),
    trade(1, "25.11.00", "25.11.00", 2.0, 2, &["{p} Stålkonstruktion", "{s} Smede- og Stålværk"]),
    trade(1, "25.62.00", "25.53.00", 2.5, 1, &["{s} Maskinværksted", "{p} Spåntagning", "{s} CNC"]),
    trade(1, "28.99.00", "28.99.00", 1.5, 2, &["{s} Maskinfabrik", "{p} Procesteknik"]),
    trade(1, "31.09.00", "31.00.00", 1.0, 1, &["{s} Møbler", "{p} Møbelsnedkeri"]),
    trade(1, "33.12.00", "33.12.00", 1.5, 1, &["{s} Maskinservice", "{p} Industriservice"]),
    trade(1, "38.11.00", "38.11.00", 0.7, 1, &["{p} Container", "{s} Genbrug"]),
    trade(2, "41.20.00", "41.00.00", 3.0, 1, &["{s} Byg", "{p} Entreprise", "{s} og Søn Byg"]),
    trade(2, "43.21.00", "43.21.00", 3.0, 1, &["{p} El", "{s} El-teknik", "Elfirmaet {s}"]),
    trade(2, "43.22.00", "43.22.00", 2.5, 1, &["{s} VVS", "{p} VVS & Blik", "Blikkenslager {s}"]),
    trade(2, "43.32.00", "43.32.00", 4.0, 0, &["Tømrermester {f} {s}", "{s} Tømrer & Snedker", "{p} Tømrerforretning"]),
    trade(2, "43.34.10", "43.34.00", 2.0, 0, &["Malermester {s}", "{p} Malerforretning"]),
    trade(2, "43.99.10", "43.91.00", 2.0, 0, &["Murermester {f} {s}", "{s} Murerforretning"]),
    trade(3, "45.11.20", "47.81.00", 1.5, 1, &["{s} Biler", "{p} Bilhus"]),
    trade(3, "45.20.10", "95.31.00", 3.0, 0, &["{p} Autoværksted", "{s} Auto", "Autohuset {s}"]),
    trade(3, "45.31.00", "46.72.00", 0.8, 1, &["{p} Autodele", "{s} Reservedele"]),
    trade(3, "46.73.10", "46.83.00", 1.2, 2, &["{p} Trælast", "{s} Byggematerialer"]),
    trade(3, "46.90.00", "46.90.00", 2.0, 1, &["{s} Engros", "{p} Import", "{s} Trading"]),
    trade(3, "47.11.20", "47.11.00", 1.5, 2, &["Torvehallen {p}", "Dagli'Køb {p}", "Nærmad {p}"]),
    trade(3, "47.71.10", "47.71.00", 2.5, 0, &["Butik {f}", "{f} & {s}", "Tøjhjørnet {p}"]),
    trade(3, "47.76.10", "47.76.00", 1.0, 0, &["Blomster hos {f}", "{p} Blomster"]),
    trade(3, "49.41.00", "49.41.00", 4.0, 1, &["{s} Transport", "Vognmand {f} {s}", "{p} Fragt"]),
    trade(3, "49.32.00", "49.33.00", 1.2, 0, &["{p} Taxa", "Taxi {s}"]),
    trade(3, "52.29.20", "52.31.00", 0.8, 2, &["{p} Spedition", "{s} Logistik"]),
    trade(3, "53.20.00", "53.20.00", 0.8, 1, &["{p} Bud", "{s} Kurer"]),
    trade(3, "55.10.10", "55.10.00", 0.8, 2, &["Hotel {p}", "{p} Kro"]),
    trade(3, "56.10.10", "56.11.00", 2.5, 1, &["Restaurant {p}", "{f}s Køkken", "Spisehuset {s}"]),
    trade(3, "56.30.00", "56.30.00", 1.5, 0, &["Café {f}", "Kaffebaren {p}"]),
    trade(4, "62.01.00", "62.10.00", 4.0, 1, &["{s} Software", "{p} Data", "{s} Kode"]),
    trade(4, "62.02.00", "62.20.00", 3.0, 0, &["{s} IT-rådgivning", "{p} IT", "{f} {s} Consult"]),
    trade(4, "63.11.00", "63.10.00", 0.8, 1, &["{p} Hosting", "{s} Drift"]),
    trade(4, "58.14.10", "58.13.00", 0.5, 1, &["{p} Avis", "Ugebladet {p}"]),
    trade(4, "59.11.10", "59.11.00", 1.0, 0, &["{s} Film", "{p} Produktion"]),
    trade(5, "64.19.00", "64.19.00", 1.5, 2, &["Sparekassen {p}", "{p} Andelskasse"]),
    trade(5, "66.22.00", "66.22.00", 1.5, 0, &["{s} Forsikringsmæglere", "{p} Assurance"]),
    trade(5, "66.19.00", "66.19.00", 1.5, 0, &["{s} Finansrådgivning", "{p} Kapital"]),
    trade(5, "64.99.00", "64.99.00", 1.0, 0, &["{s} Finans", "{p} Kredit"]),
    trade(6, "68.20.30", "68.20.00", 4.0, 0, &["{s} Ejendomme", "{p} Boligudlejning", "Ejendomsselskabet {p}"]),
    trade(6, "68.31.10", "68.31.00", 2.0, 0, &["{s} Bolig", "Mægleren {p}"]),
    trade(6, "68.32.10", "68.32.00", 1.0, 1, &["{p} Administration", "{s} Ejendomsservice"]),
    trade(7, "69.10.00", "69.10.00", 1.2, 1, &["Advokatfirmaet {s}", "{s} Advokater"]),
    trade(7, "69.20.00", "69.20.00", 2.0, 1, &["{s} Revision", "{p} Regnskab", "Bogholder {f} {s}"]),
    trade(7, "70.22.00", "70.20.00", 3.0, 0, &["{s} Rådgivning", "{f} {s} Management", "{s} Consult"]),
    trade(7, "71.11.00", "71.11.00", 1.0, 0, &["{s} Arkitekter", "Tegnestuen {p}"]),
    trade(7, "71.12.10", "71.12.00", 1.5, 1, &["{s} Ingeniører", "{p} Rådgivende Ingeniører"]),
    trade(7, "73.11.10", "73.11.00", 1.0, 0, &["{s} Reklame", "Bureauet {p}"]),
    trade(7, "74.10.20", "74.12.00", 1.0, 0, &["{f} {s} Design", "{p} Grafisk"]),
    trade(7, "75.00.00", "75.00.00", 0.8, 0, &["{p} Dyreklinik", "Dyrlæge {f} {s}"]),
    trade(7, "78.20.00", "78.20.00", 0.6, 2, &["{p} Vikar", "{s} Bemanding"]),
    trade(7, "80.10.00", "80.01.00", 0.4, 2, &["{p} Vagt", "{s} Sikkerhed"]),
    trade(7, "81.21.00", "81.21.00", 2.5, 1, &["{p} Rengøring", "{s} Erhvervsrengøring"]),
    trade(7, "81.30.00", "81.30.00", 2.0, 0, &["{s} Anlægsgartner", "{p} Haveservice"]),
    trade(8, "85.53.00", "85.53.00", 1.0, 0, &["{p} Køreskole", "Kørelærer {f} {s}"]),
    trade(8, "85.59.00", "85.59.00", 1.2, 0, &["{s} Kurser", "{p} Undervisning"]),
    trade(8, "86.21.00", "86.21.00", 2.0, 1, &["Lægerne i {p}", "Lægehuset {p}"]),
    trade(8, "86.23.00", "86.23.00", 1.5, 1, &["Tandlægerne {p}", "Tandlæge {f} {s}"]),
    trade(8, "86.90.20", "86.95.00", 2.0, 0, &["{p} Fysioterapi", "Fys hos {f}"]),
    trade(8, "88.91.30", "88.91.00", 1.0, 1, &["Privat børnehave {p}", "Børnehuset {p}"]),
    trade(9, "93.13.00", "93.13.00", 1.0, 1, &["{p} Fitness", "Styrkeloftet {p}"]),
    trade(9, "96.02.10", "96.21.00", 3.5, 0, &["Frisør {f}", "Salon {f}", "Hårhuset {p}"]),
    trade(9, "96.02.20", "96.22.00", 1.5, 0, &["Klinik {f}", "{p} Hudpleje"]),
    trade(9, "95.29.00", "95.29.00", 0.8, 0, &["{s} Reparation", "{p} Cykelværksted"]),
    trade(9, "96.09.00", "96.99.00", 0.8, 0, &["{f} {s} Service", "{p} Hundepension"]),
];

/// Shares of the size classes 0–1, 2–9, 10–49, 50–199, 200+ by a trade's scale, in percent.
pub const SIZES: [[f64; 5]; 3] =
    [[58.0, 34.0, 7.5, 0.5, 0.0], [34.0, 42.0, 20.0, 3.5, 0.5], [10.0, 32.0, 38.0, 15.0, 5.0]];

#[cfg(test)]
mod tests {
    use domain::industry::{Classification, Grouping};

    use super::{SECTORS, TRADES};

    #[test]
    fn a_recoded_trade_stays_in_its_sector() {
        let grouping = Grouping::shipped("dst10").expect("dst10 ships");
        for trade in &TRADES {
            for (code, classification) in [(trade.db07, Classification::Db07), (trade.db25, Classification::Db25)] {
                let sector = grouping.sector_of(code, classification).expect(code).sector;
                assert_eq!(sector.key, SECTORS[trade.sector].key, "{code}");
            }
        }
    }

    #[test]
    fn every_sector_has_trades_and_some_trades_changed_their_number() {
        for (place, sector) in SECTORS.iter().enumerate() {
            assert!(TRADES.iter().filter(|t| t.sector == place).count() >= 3, "{}", sector.key);
        }
        assert!(TRADES.iter().filter(|t| t.db07[..5] != t.db25[..5]).count() >= 15);
    }
}
