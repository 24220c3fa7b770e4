"""Words of many languages for what a text is about, how urgent it is, and for the parts of a program."""

from __future__ import annotations

from collections.abc import Mapping

# Per concept: weight -> stems, as in the evidence for problem, request and quiet.
TOPICS: Mapping[str, Mapping[float, str]] = {
    "money": {
        3: ("invoice|payment|receipt|rechnung|zahlung|überweisen|facture|factura|fattura|счёт|فاتورة|請求書|发票"),
    },
    "meeting": {
        3: (
            "meeting|appointment|kick-off|calendar|video call|termin|besprechung|réunion|rendez-vous|"
            "reunión|riunione|встреч|اجتماع|打ち合わせ|会議|会议"
        ),
    },
    "feature": {
        3: (
            "feature request|would be great|would be nice|would love|could you add|suggest|wunsch|idee|"
            "suggestion|sugerencia|funktion wünsch|хотелось бы|機能追加|ご要望"
        ),
    },
    "urgent": {
        3: (
            "urgent|asap|critical|immediately|emergency|outage|data loss|security|production is down|"
            "all users|blocker|dringend|sofort|kritisch|ausfall|alle arbeitsplätze|datenverlust|critique|"
            "immédiatement|urgente|crítico|срочно|критич|немедленно|عاجل|至急|緊急|紧急"
        ),
        2: (
            "crash|deadline|today|every|blocks|cannot work|since this morning|heute|bloqu|aujourd'hui|"
            "hoy|сегодня|本日|今日中"
        ),
    },
    "minor": {
        3: (
            "typo|cosmetic|nice to have|low priority|no hurry|no rush|whenever|minor|some day|tippfehler|"
            "keine eile|kosmetisch|faute de frappe|pas urgent|errata|sin prisa|опечатк|не срочно|"
            "急ぎません|誤字"
        ),
        2: ("would be nice|slightly|schön wäre|petit|pequeñ|небольш"),
    },
    "software": {
        1: (
            "page|screen|button|click|search|result|cache|browser|version|app|application|program|export|"
            "import|report|upload|download|dashboard|log in|login|sign in|password|settings|firefox|"
            "chrome|safari|windows|linux|macos|android|iphone|api|server|file|menu|tab|window|form|field|"
            "table|list|filter|sort|sync|database|query|alert|notification|plugin|widget|dialog|cursor|"
            "keyboard|printer|install|docker|endpoint|console|csv|pdf|json|excel|seite|bildschirm|"
            "schaltfläche|knopf|klick|suche|ergebnis|programm|bericht|hochlad|herunterlad|anmeld|"
            "einstellung|datei|menü|fenster|formular|feld|tabelle|liste|speicher|drucke|écran|bouton|"
            "clique|recherche|résultat|navigateur|logiciel|rapport|télécharg|connexion|mot de passe|"
            "réglage|fichier|fenêtre|champ|tableau|enregistr|imprim|serveur|página|pantalla|botón|clic|"
            "búsqueda|resultado|navegador|informe|subir|descarg|contraseña|ajuste|archivo|ventana|campo|"
            "tabla|guardar|servidor|captura|pagina|schermo|pulsante|ricerca|risultat|rapporto|scaric|"
            "impostazion|finestra|tabella|salva|stamp|страниц|экран|кнопк|поиск|результат|браузер|отчет|"
            "отчёт|загруз|скач|парол|настройк|файл|окн|форм|поле|таблиц|список|сохран|печат|сервер|верси|"
            "画面|ページ|ボタン|検索|結果|ブラウザ|アプリ|レポート|アップロード|ダウンロード|ログイン|"
            "パスワード|設定|ファイル|メニュー|フォーム|保存|印刷|サーバ|バージョン|页面|頁面|按钮|按鈕|"
            "搜索|浏览器|登录|登入|密码|设置|文件|服务器|版本|صفحة|شاشة|زر|بحث|متصفح|تطبيق|برنامج|تقرير|"
            "كلمة المرور|ملف|إعدادات|خادم|الإصدار|photo|image|phone|tablet|cart|link|webhook|chart|graph|"
            "icon|font|layout|template|invoice template|warenkorb|artikel|panier|carrito|グラフ|表示|"
            "値が|décimales|chiffre|calendar|dropdown|slider|checkbox|basket|checkout|coupon|account|inbox|"
            "homepage|website|"
            "web ?site|web shop|shop|counter|portal|tablet|laptop|printer|scanner|bluetooth|wi-?fi|camera|"
            "audio|sound|video|pop-?up|toggle|theme|"
            "edit|delet|scroll|tap\\b|sav(?:e|ing)\\b|typing|press|lösch|kalender|konto|calendrier|"
            "compte\\b|calendario|cuenta|agenda|"
            "kalendarz|koszyk|afspra|winkelw|календар|корзин|カレンダー|カート|注文|購物車|购物车|页|日历|账户|"
            "video|course|subtitle|thumbnail|balance|gift card|feed|profile|avatar|client|code|"
            "authenticator|firmware|device|"
            "router|sensor|thermostat|script|deploy|queue|cron|cluster|invite link|subtítul|vídeo|filtro|"
            "wyszukiwark|aplikac|stron[aęy]|"
            "przycisk|sito|aplicativo|relatório|tela\\b|botão|ecrã|knop|scherm|bestand|mobile[nr]? ansicht|"
            "ipad|验证码|软件|系统|サイト|システム|facturación|"
            "kontoauszug|auszug|rendez-vous|vue\\b|ansicht"
        ),
    },
    "condition": {
        1: (
            "when i|when we|whenever|as soon as|after i|after we|after the|each time|every time|if i|"
            "once i|started|only the|made no difference|sobald|wenn ich|wenn man|wenn wir|beim|jedes mal|"
            "nach dem|quand|lorsque|dès que|chaque fois|depuis|après|cuando|cada vez|desde|después|"
            "adjunto captura|muestra|quando|appena|ogni volta|dopo|когда|если|при|после|каждый раз|たび|"
            "すると|とき|時に|每次|عندما|كلما|منذ"
        ),
    },
}
