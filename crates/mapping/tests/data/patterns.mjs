// Writes patterns.json: what JavaScript itself says of each pattern and text. Run: node patterns.mjs > patterns.json
// A pattern is read with the `u` flag where it is valid so, and else without, as browsers take what people write.
const patterns = [
  "^[\\w-\\.]+@([\\w-]+\\.)+[\\w-]{2,4}$", "^\\S+@\\S+\\.\\S+$", "^\\+?[1-9]\\d{1,14}$", "^\\(?(\\d{3})\\)?[- ]?(\\d{3})[- ]?(\\d{4})$",
  "^(?=.*[A-Z])(?=.*\\d)[A-Za-z\\d@$!%*?&]{8,}$", "^https?:\\/\\/[^\\s/$.?#].[^\\s]*$", "^[A-Z]{2}\\d{2}[A-Z0-9]{1,30}$",
  "^\\d{4}-\\d{2}-\\d{2}$", "^(\\d+)\\.(\\d+)\\.(\\d+)$", "^#?([a-f0-9]{6}|[a-f0-9]{3})$", "^[a-z0-9_-]{3,16}$", "^\\s*$",
  "\\bcat\\b", "\\Bcat", "^.{2,5}$", "^.*$", "a.c", "[^]", "[]", "[^a]", "[a-]", "[-a]", "[a\\-z]", "[\\d-x]", "[x-\\d]", "[\\w-]", "[+--]", "[!-~]",
  "[\\b]", "[.*+?^${}()|[\\]\\\\]", "[[]", "[&&]", "[a&&b]", "[~~]", "[a--b]", "[\\]]", "\\]", "]", "}", "x}", "x{", "x{1", "x{,2}", "x{a}", "{", "a{0}", "a{0,0}b", "a{2}", "a{2,}", "a{1,2}?",
  "a*?", "a+?", "a??", "(a|b)*c", "(?:a|b)+", "(?<year>\\d{4})", "(?<a>x)\\k<a>", "\\k<a>", "\\k", "(a)\\1", "\\1(a)", "(a)?\\1b", "(?:(a)|b)\\1", "\\2(a)", "\\8", "\\07", "\\101", "[\\101]", "\\0", "[\\0]",
  "^a|b$", "(^a)", "(a$)", "^$", "$^", "a$b", "a^b", "(?=a)a", "(?!a)b", "(?<=a)b", "(?<!a)b", "(?=a)*b", "(?=a){2}a", "^(?!.*(.)\\1).+$",
  "\\t", "\\n", "\\r", "\\v", "\\f", "\\cA", "\\cz", "\\c", "\\c1", "[\\c]", "\\x41", "\\x4", "\\x", "\\u0041", "\\u004", "\\u", "\\u{41}", "\\u{1F980}", "\\uD83E\\uDD80", "[\\uD83E\\uDD80]",
  "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "[\\d\\D]", "[^\\d\\s]", "[\\W_]", "\\p{L}", "\\p{Lu}", "\\P{L}", "\\p{Script=Greek}", "[\\p{L}\\d]", "\\-", "\\@", "\\/", "\\#", "\\~", "\\&", "\\e", "\\a", "\\z", "\\A", "\\h", "\\_", "\\é", "é", "🦀", "[🦀é]", "^[^🦀]$",
  "*", "a**", "a++", "a{2}{3}", "+a", "?", "(*a)", "(?", "(?a)", "(?i)a", "(?P<n>a)", "(?>a)", "(", ")", "a)", "[", "[a", "\\", "[z-a]", "a{2,1}", "(?<a>x)(?<a>y)", "^*", "$+", "\\b+", "(?<=a)*", "a|*", "(|a)", "a||b", "()", "(?:)", "", " ", "a b", "#", "a#b", "//", "\\\\",
  "^[\\u4e00-\\u9fa5]+$", "^[À-ÿ]+$", "[\\u0000-\\u001f]", "^\\d+(,\\d{3})*(\\.\\d+)?$", "^(\\+\\d{1,2}\\s)?\\(?\\d{3}\\)?[\\s.-]\\d{3}[\\s.-]\\d{4}$", "^[^\\s@]+@[^\\s@]+$", "^(?!0{3})\\d{3}$", "\\$\\{[a-z]+\\}", "<[^>]+>", "^'(?:[^'\\\\]|\\\\.)*'$",
];
const texts = [
  "", "a", "b", "c", "x", "A", "z", "ab", "ba", "aa", "aab", "abc", "a\nc", "a\u2028c", "cat", "concat", "cat sat", "a.b", "a-b", "-", "x-", "]", "}", "{", "x}", "x{", "x{1", "x{,2}", "x{a}", "{{", "xx", "xa", "aaaaaa",
  "ada@example.com", "ada.king@sub.example.info", "ada@example.museum", "ada@localhost", "+14155552671", "(650) 253-0000", "650-253-0000", "Passw0rd!", "password", "https://example.com/a?b=c", "http://", "DE89370400440532013000",
  "2024-03-10", "2024-3-1", "1.2.3", "#a1b2c3", "fff", "user_name-1", "   ", "\u00a0", "\ufeff", "\u180e", "\t", "\n", "\r", "\v", "\f", "\u0001", "\u001a", "\u0000", "\b", "\\", "\\c", "c1", "k", "k<a>", "kz", "0", "8", "1", "7", "\u0007", "\u0002a", "12", "1,234,567.89", "1,23",
  "u", "u004", "u{41}", "x4", "e", "h", "_", "@", "/", "#", "~", "&", "^", "$", ".", "*", "[", "é", "É", "ß", "α", "Ω", "٣", "中文", "Žluť", "ÀÿÆ", "🦀", "🦀🦀", "a🦀c", "p{L}", " ", "a b", "a#b", "//", "|", "000", "123", "${name}", "<b>", "'it\\'s'", "+1 650.253.0000", "a|b", "a&&b", "--", "yy", "xx y", "bb",
];
const rows = patterns.map((pattern) => {
  let regexp, flags;
  for (flags of ["u", ""]) { try { regexp = new RegExp(pattern, flags); break; } catch { regexp = undefined; } }
  if (!regexp) return { pattern, valid: false };
  // The texts that match; what JavaScript tells only without `u` is not told of texts beyond the basic plane.
  const asked = texts.filter((text) => flags === "u" || !/[\u{10000}-\u{10ffff}]/u.test(text));
  return { pattern, valid: true, unicode: flags === "u", matches: asked.filter((text) => regexp.test(text)) };
});
console.log("{\n\"texts\": " + JSON.stringify(texts) + ",\n\"rows\": [\n" + rows.map((row) => JSON.stringify(row)).join(",\n") + "\n]\n}");
