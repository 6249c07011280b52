//! Names in Latin letters, as passports of Georgia, Armenia and Russia write them: what the desk is
//! proposed where nobody says how a name is written.
//!
//! Georgian after the national system of 2002 without its apostrophes, Armenian after BGN/PCGN
//! 1981 without its apostrophes, Russian after ICAO document 9303.

/// The name in Latin letters; `None` where it has letters of another script.
#[must_use]
pub fn latin(name: &str) -> Option<String> {
    let mut written = String::with_capacity(name.len());
    let mut starts = true;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_alphabetic() {
            starts = letter.is_whitespace() || letter == '-';
            written.push(letter);
            continue;
        }
        let small = letter.to_lowercase().next().unwrap_or(letter);
        if let ('ո', Some('ւ' | 'Ւ')) = (small, letters.peek()) {
            letters.next();
            put(&mut written, "u", starts || letter.is_uppercase());
        } else if small.is_ascii_alphabetic() || is_latin(small) {
            written.push(letter);
        } else {
            let sound = sound(small, starts)?;
            put(&mut written, sound, letter.is_uppercase() || (starts && is_georgian(small)));
        }
        starts = false;
    }
    Some(written)
}

fn put(written: &mut String, sound: &str, capital: bool) {
    let mut letters = sound.chars();
    if let Some(first) = letters.next() {
        written.push(if capital { first.to_ascii_uppercase() } else { first });
        written.push_str(letters.as_str());
    }
}

/// Latin letters with marks.
const fn is_latin(letter: char) -> bool {
    matches!(letter, '\u{00df}'..='\u{024f}' | '\u{1e00}'..='\u{1eff}')
}

/// Georgian letters, which have no capitals in names.
const fn is_georgian(letter: char) -> bool {
    matches!(letter, '\u{10d0}'..='\u{10ff}')
}

/// How a small letter is written; some are written otherwise where a word `starts`.
const fn sound(letter: char, starts: bool) -> Option<&'static str> {
    Some(match letter {
        'ა' | 'ա' | 'а' => "a",
        'ბ' | 'բ' | 'б' => "b",
        'გ' | 'գ' | 'г' => "g",
        'დ' | 'դ' | 'д' => "d",
        'ე' | 'է' | 'е' | 'ё' | 'э' => "e",
        'ვ' | 'վ' | 'в' => "v",
        'ზ' | 'զ' | 'з' => "z",
        'თ' | 'ტ' | 'թ' | 'տ' | 'т' => "t",
        'ი' | 'ի' | 'и' | 'й' => "i",
        'კ' | 'ქ' | 'կ' | 'ք' | 'к' => "k",
        'ლ' | 'լ' | 'л' => "l",
        'მ' | 'մ' | 'м' => "m",
        'ნ' | 'ն' | 'н' => "n",
        'ო' | 'օ' | 'о' => "o",
        'პ' | 'ფ' | 'պ' | 'փ' | 'п' => "p",
        'ჟ' | 'ժ' | 'ж' => "zh",
        'რ' | 'ր' | 'ռ' | 'р' => "r",
        'ს' | 'ս' | 'с' => "s",
        'უ' | 'у' => "u",
        'ღ' | 'ղ' => "gh",
        'ყ' => "q",
        'შ' | 'շ' | 'ш' => "sh",
        'ჩ' | 'ჭ' | 'չ' | 'ճ' | 'ч' => "ch",
        'ც' | 'წ' | 'ծ' | 'ց' | 'ц' => "ts",
        'ძ' | 'ձ' => "dz",
        'ხ' | 'խ' | 'х' => "kh",
        'ჯ' | 'ջ' => "j",
        'ჰ' | 'հ' => "h",
        'ե' if starts => "ye",
        'ե' => "e",
        'ը' | 'յ' | 'ы' => "y",
        'ո' if starts => "vo",
        'ո' => "o",
        'ւ' => "v",
        'ֆ' | 'ф' => "f",
        'և' if starts => "yev",
        'և' => "ev",
        'щ' => "shch",
        'ъ' => "ie",
        'ь' => "",
        'ю' => "iu",
        'я' => "ia",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_passports_write_them() {
        for (name, written) in [
            ("ნინო ბერიძე", "Nino Beridze"),
            ("ჭაბუკიანი", "Chabukiani"),
            ("გიორგი წერეთელი-ღვინიაშვილი", "Giorgi Tsereteli-Ghviniashvili"),
            ("Արամ Խաչատրյան", "Aram Khachatryan"),
            ("Երևան", "Yerevan"),
            ("Ուսանող", "Usanogh"),
            ("Որդանյան", "Vordanyan"),
            ("Հովհաննես Թումանյան", "Hovhannes Tumanyan"),
            ("Щукина Юлия", "Shchukina Iuliia"),
            ("Подъячев Игорь", "Podieiachev Igor"),
            ("Фёдор Цой", "Fedor Tsoi"),
            ("Zoë O'Neill", "Zoë O'Neill"),
            ("", ""),
        ] {
            assert_eq!(latin(name).as_deref(), Some(written), "{name}");
        }
        assert_eq!(latin("山田 太郎"), None);
        assert_eq!(latin("Γιώργος"), None);
    }
}
