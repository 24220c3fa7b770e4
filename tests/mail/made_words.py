"""Words of several scripts, and their charsets as senders name them (`name:codec` where Python has another name)."""

from __future__ import annotations

WORDS = {
    "latin": "invoice Größe façade señor naïve Müller coût Straße über crème order déjà 12.50 garçon".split(),
    "polish": "zażółć gęślą jaźń faktura zamówienie łódź źródło świeży ćma węgiel dość".split(),
    "turkish": "İstanbul şeker çığ göğüs ıslak sipariş fatura ürün teşekkür".split(),
    "russian": "привет заказ счёт Москва объём ещё письмо срочно Её вчера".split(),
    "greek": "καλημέρα παραγγελία τιμολόγιο Αθήνα γεια όχι".split(),
    "hebrew": "שלום הזמנה חשבונית תודה ירושלים".split(),
    "arabic": "مرحبا فاتورة طلب شكرا القاهرة".split(),
    "thai": "สวัสดี ใบสั่งซื้อ กรุงเทพ ขอบคุณ เกม".split(),
    "japanese": "こんにちは 請求書 株式会社 東京 ありがとう カタカナ 注文".split(),
    "windows japanese": "①番 ㈱東京 髙橋 Ⅲ号 ㌔".split(),
    "chinese": "你好 订单 发票 北京 联通 小学 谢谢".split(),
    "taiwanese": "訂單 發票 臺北 謝謝 確認".split(),
    "korean": "안녕하세요 주문 송장 서울 감사합니다".split(),
}
CHARSETS = {
    "latin": "utf-8 iso-8859-1 windows-1252 iso-8859-15 latin1 macintosh:mac-roman cp-1252:cp1252 utf-7 utf-16 utf-32",
    "polish": "utf-8 iso-8859-2 windows-1250 utf-16le",
    "turkish": "utf-8 iso-8859-9 windows-1254",
    "russian": "utf-8 koi8-r windows-1251 iso-8859-5 ibm866 x-mac-cyrillic:mac-cyrillic win-1251:cp1251 utf-16",
    "greek": "utf-8 iso-8859-7 windows-1253",
    "hebrew": "utf-8 windows-1255 iso-8859-8 iso-8859-8-i:iso-8859-8 iso-8859-8-e:iso-8859-8",
    "arabic": "utf-8 windows-1256 iso-8859-6",
    "thai": "utf-8 tis-620 windows-874:cp874 iso-8859-11",
    "japanese": "utf-8 iso-2022-jp shift_jis:cp932 euc-jp windows-31j:cp932 x-sjis:cp932 utf-16be",
    "windows japanese": "iso-2022-jp:jis shift_jis:cp932 iso-2022-jp-ms:jis cp50220:jis utf-8",
    "chinese": "utf-8 gb2312 gbk gb18030 gb2312:gbk x-gbk:gbk hz-gb-2312:hz utf-16",
    "taiwanese": "utf-8 big5 big5-hkscs:big5hkscs cp950",
    "korean": "utf-8 euc-kr ks_c_5601-1987:cp949 iso-2022-kr windows-949:cp949",
}
