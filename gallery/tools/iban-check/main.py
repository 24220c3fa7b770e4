import re

LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18,
    "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23,
    "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29,
    "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


def reason_against(iban):
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}", iban):
        return "It is not two letters, two digits, and up to 30 letters and digits."
    length = LENGTHS.get(iban[:2])
    if length is not None and len(iban) != length:
        return f"An IBAN of {iban[:2]} has {length} characters, this one {len(iban)}."
    if int("".join(str(int(one, 36)) for one in iban[4:] + iban[:4])) % 97 != 1:
        return "Its check digits are wrong."
    return ""


iban = re.sub(r"[\s-]", "", inputs["iban"]).upper()
reason = reason_against(iban)
output = {
    "valid": not reason,
    "iban": iban,
    "country": iban[:2] if re.match("[A-Z]{2}", iban) else "",
    "reason": reason,
}
