//! Words for names, streets and towns. Nobody is meant.

/// First names.
pub const FIRST: [&str; 40] = [
    "Anne", "Bent", "Birgit", "Carina", "Claus", "Dorthe", "Ejner", "Else", "Emil", "Esben", "Fatima", "Frederik",
    "Gitte", "Hanne", "Hassan", "Henrik", "Ida", "Inger", "Jakob", "Jette", "Karen", "Kirsten", "Kim", "Lasse", "Lene",
    "Line", "Lone", "Martin", "Mette", "Mikkel", "Nanna", "Niklas", "Ole", "Pernille", "Rikke", "Sanne", "Signe",
    "Susanne", "Torben", "Ulla",
];

/// Surnames.
pub const LAST: [&str; 48] = [
    "Agerholm",
    "Bangshøj",
    "Birkedal",
    "Bjerregård",
    "Brandstrup",
    "Buhl",
    "Dalgård",
    "Damgård",
    "Ebbesen",
    "Elkjær",
    "Engholm",
    "Fabricius",
    "Falkenberg",
    "Fjordbak",
    "Gammelby",
    "Gravesen",
    "Grønlund",
    "Hedegård",
    "Hjorth",
    "Hornbæk",
    "Højbjerg",
    "Ibsen",
    "Kjeldgård",
    "Klint",
    "Kragelund",
    "Krogsgård",
    "Lindholt",
    "Lykkegård",
    "Markvad",
    "Mosegård",
    "Munkholm",
    "Nygård",
    "Overby",
    "Ravnsborg",
    "Rosendal",
    "Rytter",
    "Sandholt",
    "Skovbo",
    "Stampe",
    "Stenbæk",
    "Søndergård",
    "Thorup",
    "Toft",
    "Vangsgård",
    "Vestermark",
    "Vindum",
    "Østerby",
    "Aagård",
];

/// Places in the municipality and around it, for names.
pub const PLACE: [&str; 24] = [
    "Højager",
    "Vesterhavn",
    "Stationsby",
    "Lundby",
    "Agerup",
    "Nørremark",
    "Søndervang",
    "Bakkely",
    "Mosevang",
    "Kirkeby",
    "Ellemose",
    "Fuglsang",
    "Grønholt",
    "Havbakke",
    "Klosterlund",
    "Langager",
    "Møllevang",
    "Ravnholt",
    "Skovlunde",
    "Strandby",
    "Tinghøj",
    "Vejlebro",
    "Ørbæk",
    "Åbrinken",
];

/// Streets by area: town, business park, harbour, villages.
pub const STREETS: [&[&str]; 4] = [
    &[
        "Algade",
        "Torvet",
        "Nørregade",
        "Stationsvej",
        "Kirkestræde",
        "Møllegade",
        "Jernbanegade",
        "Østergade",
        "Rådhusstræde",
        "Parkvej",
        "Skolegade",
        "Apotekerstræde",
    ],
    &[
        "Industrivej",
        "Fabriksvej",
        "Håndværkervej",
        "Transportbuen",
        "Værkstedsvej",
        "Lagervej",
        "Energivej",
        "Teknikbuen",
        "Ørbækvej",
        "Motorgangen",
    ],
    &["Havnegade", "Kajgade", "Nordre Mole", "Fiskertorvet", "Strandvejen", "Redskabsvej", "Slipvej", "Toldbodgade"],
    &[
        "Bygaden",
        "Præstevænget",
        "Kirkevej",
        "Møllebakken",
        "Gadekæret",
        "Skovvej",
        "Enghavevej",
        "Lyngvej",
        "Agervej",
        "Brinken",
    ],
];

/// Postal code and town of the four areas. The codes are not in use.
pub const TOWNS: [(&str, &str); 4] =
    [("4985", "Højager"), ("4986", "Højager Ø"), ("4987", "Vesterhavn"), ("4988", "Agerup")];

/// A domain name's part from a business's name: letters, digits, hyphens.
pub fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            'æ' | 'ä' => slug.push_str("ae"),
            'ø' | 'ö' => slug.push_str("oe"),
            'å' => slug.push_str("aa"),
            'é' => slug.push('e'),
            _ if !slug.ends_with('-') && !slug.is_empty() => slug.push('-'),
            _ => {}
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Fills a trade's pattern.
pub fn fill(pattern: &str, first: &str, last: &str, place: &str) -> String {
    pattern.replace("{f}", first).replace("{s}", last).replace("{p}", place)
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_slug_can_stand_in_an_address() {
        assert_eq!(slug("Blikkenslager Østerby & Søn A/S"), "blikkenslager-oesterby-soen-a-s");
        assert_eq!(slug("Café Åge"), "cafe-aage");
    }
}
