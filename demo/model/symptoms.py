"""How users tell in English that a program misbehaves, when they use none of the words for a defect."""

from __future__ import annotations

from collections.abc import Mapping

DAY = (
    r"(?:(?:this|last) (?:morning|week|month|night|\w+day)|yesterday|today|\w+day|the (?:last |latest |"
    r"new )?(?:update|upgrade|version|release|migration|change|move|clock)|(?:we|you|i|it) (?:updated|"
    r"upgraded|switched|moved)|january|february|march|april|may|june|july|august|september|october|"
    r"november|december)"
)
# Name of the pattern -> weight, pattern. A pattern counts once, however often it occurs.
SYMPTOMS: Mapping[str, tuple[float, str]] = {
    # English
    "does not": (
        2,
        (
            r"\b(?:do|does|did|is|are|was|were|has|have|will|wo|could|would)(?:n['’]t| not) (?:\w+ )?(?:load|"
            r"open|save|show|display|appear|update|work|start|respond|react|print|send|arrive|sync|refresh|"
            r"scroll|play|connect|accept|remember|recogni[sz]e|find|match|add up|go through|come through|let me|"
            r"change|reach|import|export|sort|filter|count|stick|happen|register|clickable|visible|saved|shown|"
            r"displayed|updated|sent|loading|opening|saving|showing|working|responding|syncing|arriving)"
        ),
    ),
    "no longer": (2, r"\b(?:no longer|not any ?more|stopped|ceased to|used to|any longer)\b"),
    "never arrives": (
        2,
        (
            r"\b(?:never|not) (?:\w+ )?(?:came|comes|come|arrive[sd]?|appear(?:s|ed)?|finish(?:es|ed)?|load(?:s|"
            r"ed)?|end(?:s|ed)?|receive[sd]?|reach(?:es|ed)?|saved?|shows?|in spam)\b|\bstill (?:waiting for "
            r"(?:the|a|my) \w+ ?(?:e?-?mail|code|link)|the same|there|happen|see(?:ing)?|get(?:ting)?)\b"
        ),
    ),
    "since": (1.5, rf"\b(?:(?:since|ever since|as of|after) {DAY}|since (?:about )?\d)"),
    "before it was fine": (
        2,
        (
            r"\b(?:until|till|before|last week|yesterday|previously|earlier)\b.{0,40}\b(?:fine|worked|correct|"
            r"right|normal|ok|instant)\b|\b(?:was|were|worked|ran) (?:all |just |perfectly )?(?:fine|right|"
            r"correct|ok|well) (?:until|before|last|yesterday)|\b(?:it|this|that|they) (?:used to|worked)\b"
        ),
    ),
    "fine elsewhere": (
        2,
        (
            r"\b(?:works?|worked|fine|right|correct(?:ly)?|normal(?:ly)?|ok(?:ay)?|good) (?:\w+ )?(?:on|in|with|"
            r"from|for|if|when) (?:my|the|our|all|his|her|other|another|every|a|an|chrome|firefox|safari|edge|"
            r"windows|mac|desktop|mobile|android|ios|i)\b|\b(?:only|same(?: thing)?) (?:happens |occurs )?(?:in|"
            r"on|with|for|when|if) (?:my|the|our|your|chrome|firefox|safari|edge|windows|mac\w*|desktop|mobile|"
            r"android|ios|iphones?|ipads?|web)\b|\bsame (?:thing |result |problem )?(?:in|on|with) |\beverywhere "
            r"else\b|\bon (?:the )?(?:screen|desktop) (?:it|they|everything) (?:is|are|looks?)"
        ),
    ),
    "goes back": (
        2,
        (
            r"\b(?:goes|went|jumps?|jumped|reverts?|reverted|changes|changed|switch(?:es|ed)|sends?|sent|takes?|"
            r"took|kicks?|kicked|throws?|threw|bounces?|logs?|logged|resets?|flips?|snaps?|falls?)(?: \w+){0,2} "
            r"(?:back|out|off|to zero|itself|by itself)\b|\bby itself\b|\bon its own\b|\bout of nowhere\b|"
            r"\breset(?:s|ting)? itself"
        ),
    ),
    "instead": (
        2,
        r"\binstead\b|\brather than\b|\balthough\b|\bdespite\b|\beven (?:though|if|after|when)\b|\bwhereas\b",
    ),
    "two figures": (
        2,
        (
            r"\d[\d.,]*\D{1,50}\b(?:but|while|yet|and not|instead of|not|aber|sondern|mais|pero|ma|mas|maar|ale|"
            r"а|но|vs\.?)\b\D{1,50}\d[\d.,]*|\b(?:from|of|gives?|shows?|says?) \D{0,3}\d[\d.,]*\D{1,4}(?:to|"
            r"becomes?|turns? into) \D{0,3}\d"
        ),
    ),
    "one does, another comes": (
        2,
        (
            r"(?:^|[.!?]\s+)(?:\w+ly )?\w{2,}ing (?!for\b|to\b)[^.?!]{2,60}\b(?:saves?|shows?|gives?|opens?|"
            r"deletes?|returns?|turns?|changes?|does|takes|results|leads|jumps?|removes?|clears?|adds?|closes?|"
            r"creates?|sends?|moves?|produces?|brings?|makes)\b|\b(?:entered|clicked?|tap(?:ped)?|press(?:ed)?|"
            r"selected|pick(?:ed)?|chose|typed?|opened|uploaded|imported|added|changed|filled|logged in|signed "
            r"in)\b[^.?!]{2,80}\b(?:but|and then|and (?:it|the|nothing|all|everything|now)|goes|went|got|lands?|"
            r"landed)\b"
        ),
    ),
    "wrong": (
        2.5,
        (
            r"\b(?:wrong(?:ly)?|incorrect(?:ly)?|mistaken|inaccurate|miscalculat\w+|nonsense|gibberish|swapped|"
            r"mixed up|scrambled|reversed|inverted|sideways|upside|rotated|cropped|truncated|blurr\w+|pixelated|"
            r"misaligned|distorted|shifted|shuffled|negative|minus (?:\d+|one|two|three)|someone else'?s|"
            r"somebody else'?s|other people'?s|another (?:user|customer|person|company|patient)'?s?)\b"
        ),
    ),
    "empty": (
        2,
        (
            r"\b(?:empty|blank|white|black|gr[ea]y(?:ed)? ?out|spinner|spinning|spins|loading forever|"
            r"endless(?:ly)?|forever|loops?|looping|nothing (?:happens|comes|appears|shows|is|there|loads|"
            r"changes|moves)|just sits|sits there|hung|hangs|frozen|froze)\b"
        ),
    ),
    "lost": (
        2,
        (
            r"\b(?:gone|lost|vanish\w*|disappear\w*|wiped|erased|overwritten|swallow(?:s|ed)|nowhere to be "
            r"(?:seen|found)|cut off|(?:drops|dropped|loses|skips|skipped|ignores|forgets|deletes|removes|"
            r"misses) (?:the|my|our|all|every|some|half|its?))\b"
        ),
    ),
    "twice": (
        2,
        (
            r"\b(?:twice|doubled|double (?:charg|book|entr|post|count|bill)\w*|duplicate[ds]?|two (?:copies|"
            r"identical|times)|(?:three|four|five|six|ten|several|many|multiple|\d+) times|(?:the )?same \w+ "
            r"(?:again|twice)|over and over|again and again|all over again|once more and)\b"
        ),
    ),
    "late or slow": (
        2,
        (
            r"\b(?:slow(?:er|ly)?|sluggish|laggy|lags?|crawls?|ages|takes (?:\w+ ){0,3}(?:seconds|minutes|hours|"
            r"forever|ages)|(?:hour|minute|day|week)s? (?:late|early|off|behind|ahead)|drains?|overheats?|gets "
            r"hot|stutters?|flickers?|echo(?:es)?|out of sync|off by)\b"
        ),
    ),
    "refused": (
        1.5,
        (
            r"\b(?:reject(?:s|ed)|refus(?:es|ed)|denied|forbidden|blocked|kicked out|kicks me out|logged out|"
            r"signed out|locked|can(?:'t|not|’t) (?:\w+ )?(?:log|sign|open|save|see|find|access|get (?:in|into|"
            r"past|to)|click|scroll|type|edit|delete|upload|download|print|add|select|choose|reach|load|connect|"
            r"finish|complete|submit|change|use|enter|export|import|send|pay)|won['’]t (?:let|open|load|save|"
            r"start|go|stop|close|connect|print|accept|turn|sync|play)|unable to|not able to|no way to get|"
            r"(?:says|tells me|telling me|claims|message|pop-?up)\b.{0,30}\b(?:not|in?valid|already|no |denied|"
            r"expired))"
        ),
    ),
    "should": (
        1.5,
        (
            r"\bshould (?:be|have|show|say|not|only|read|add)\b|\bsupposed to\b|\b(?:that|this|which) (?:is|"
            r"was)(?:n't| not) \w+|\bmakes no sense\b"
        ),
    ),
    "tried": (
        1.5,
        (
            r"\b(?:tried|retried|restart(?:ed|ing)|reinstall(?:ed|ing)|clear(?:ed|ing) (?:the |my )?(?:cache|"
            r"cookies)|incognito|another browser|different browser|reboot(?:ed|ing)?|refresh(?:ed|ing)?|"
            r"reload(?:ed|ing)?|log(?:ged|ging) (?:out|off) and)\b"
        ),
    ),
    "have to repeat": (
        1.5,
        (
            r"\b(?:and )?then (?:i|we|you) have to\b|\b(?:by hand|manually) (?:each|every)|\b(?:fix|redo|"
            r"re-?enter|repeat|correct|re-?type) (?:it|them|each|every|everything|all)\b|\bhave to (?:kill|force|"
            r"close|restart|reload|re-?\w+)\b"
        ),
    ),
    "seems off": (
        1,
        (
            r"\b(?:seems?|looks?|appears?) (?:to be )?(?:off|odd|strange|weird|broken|wrong|stuck|swapped)\b|"
            r"\bsomething(?:'s| is| seems| looks| must be)? (?:off|wrong|odd|fishy|amiss)\b|\badds? up to \d|"
            r"\b(?:strange|weird|odd|funny|spooky|glitch\w*|hiccup)\b|\b(?:impossible|ridiculous)\b"
        ),
    ),
    "stuck": (
        2,
        (
            r"\b(?:stuck|gets? to \d+ ?%|stops? at|stays? (?:on|at|white|black|blank|empty|grey)|ends? at|quits?|"
            r"dies|died|shuts? down|(?:closes|restarts?) (?:itself|by|on its|when|as soon|immediately|again|at "
            r"once|right))\b"
        ),
    ),
    "expected and got": (
        2,
        (
            r"\bexpect(?:s|ed|ing)? .{1,40}\b(?:gets?|got|getting|was|returns?|returned|received|but)\b|\b(?:is|"
            r"are|goes|went|turned) red\b|\b(?:brings? up|comes? out|come up|came out) .{0,40}\b(?:instead|"
            r"nowhere|first|backwards|reversed|left to right)\b"
        ),
    ),
    "now and before": (
        1.5,
        (
            r"\b(?:suddenly|out of the blue|all of a sudden|overnight)\b|\bnow \d|\b\d+ out of \d+\b|"
            r"\bstill (?:get|receive|see|list|say|mention|show|read|charge|appear)\w*|\bit must be the (?:new|"
            r"latest)|\bcan (?:suddenly )?see (?:all|everything|each other|everyone|everybody|the others)|"
            r"\b(?:while|whereas) (?:it|the|my|our|they) [^.?!]{2,50}\d|\b(?:\w+ )?times (?:and|already|now|in a "
            r"row)\b"
        ),
    ),
    "annoyed": (
        1,
        (
            r"\b(?:annoying|frustrat\w+|unacceptable|alarming|worrying|scary|embarrassing|unusable|useless|"
            r"nuisance|sucks?|not a disaster|hardly usable|driving me|drives me|wtf|help!+)(?!\w)"
        ),
    ),
    "asks why": (
        1.5,
        (
            r"\bwhy (?:is|are|does|do|was|were|did|has|have|would|on earth)\b|\bwhat(?:'s| is) (?:wrong|going on|"
            r"happening|up with)\b|\bwhere(?:'s| is| are|'re) (?:the|my|our) |\blook into (?:it|this|that)\b|"
            r"\b(?:just|only) me\b|\bknown (?:issue|problem|bug)\b|\bany ideas?\b|\bdoing (?:something|anything) "
            r"wrong\b|\b(?:fix|repair|investigate|sort) (?:it|this|that)\b|\bi (?:certainly |definitely |surely "
            r")?(?:did not|didn't|never|haven't) (?:do|done|change|touch|ask|order|set|enter)\w*"
        ),
    ),
    "a figure that cannot be": (
        1.5,
        (
            r"\b(?:shows?|reads?|displays?|counts?|registers?) (?:\w+ )?[£$€]?-?\d|\b(?:reads?|says|shows?|"
            r"labell?ed|displays?|sagt|zeigt|steht|affiche|muestra|mostra) [\"“«„']|\bso (?:small|big|large|tiny|"
            r"slow|long|dark|loud|faint) that\b"
        ),
    ),
    "comes back": (
        2,
        (
            r"\b(?:re-?appear(?:s|ed|ing)?|(?:comes?|came|pops?|popped) (?:right |straight )?(?:back|up again)|"
            r"(?:seconds|minutes|hours|days) (?:behind|ahead)|out of step|lags? behind)\b"
        ),
    ),
    "computer talk": (
        2,
        (
            r"\b(?:console (?:says|shows|log)|cors\b|localhost|null\b|nan\b|undefined|5\d\d (?:error|on|from|"
            r"when|since)|status (?:code )?[45]\d\d|crashloop\w*|oom|segfault|exit code [1-9]|mojibake|"
            r"placeholder|\{\{?\w+\}?\}|lorem ipsum|stack|deadlock\w*|(?:relation|table|column|module|file) \S+ "
            r"(?:does not exist|not found))"
        ),
    ),
}
