"""How people ask in English for something to be done."""

from __future__ import annotations

from collections.abc import Mapping

WHEN = (
    r"(?:(?:next |this |coming |on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|tonight|noon|"
    r"today|(?:the )?end of|next (?:week|month|year)|(?:the )?\d{1,2}(?:st|nd|rd|th)?\b|(?:january|"
    r"february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|"
    r"jul|aug|sept?|oct|nov|dec)\b|\d{1,2}[:.]\d\d|christmas|easter|the (?:meeting|weekend|deadline|"
    r"holidays|release|launch|board|audit|fair|trip|course|exam|visit|run|start|event)|(?:we|you|they|he|"
    r"she|i|it) \w+)"
)
ORDER = (
    r"(?:send|order|book|call|ring|phone|check|review|update|renew|pay|transfer|sign|return|forward|add|"
    r"remove|delete|change|move|make|prepare|schedule|arrange|organi[sz]e|set up|buy|bring|pick|fix|"
    r"replace|print|upload|share|write|reply|answer|respond|confirm|tell|remind|remember|let|give|get|"
    r"put|take|find|ask|go ahead|turn|cancel|reserve|submit|complete|fill|invite|contact|clean|extend|"
    r"correct|increase|reduce|double-check|proofread|translate|draft|finish|collect|deliver|ship|export|"
    r"grant|approve|reset|create|publish|post|look into|have a look|take a look|make sure|see that|see "
    r"to it|hand|quote|advise|provide|supply|include|attach|merge|deploy|disable|enable|block|refund|"
    r"bump|upgrade|tag|roll back|restore|acknowledge|produce|wipe|water|feed|lock|unlock|cover|take over|"
    r"install|migrate|document|investigate|verify|archive|pack|book in|plan)"
)
# Name of the pattern -> weight, pattern. A pattern counts once, however often it occurs.
REQUESTS: Mapping[str, tuple[float, str]] = {
    "imperative": (
        2,
        (
            rf"(?:^|[.!?:;–—]\s+|,? (?:so|but|also|please|kindly|and please) ){ORDER}\b(?!['’]?s\b)(?! (?:has|is|"
            r"was|are|were)\b)"
        ),
    ),
    "verb first": (
        1.5,
        (
            r"(?:^|[.!?:]\s+)(?!(?:and|but|for|in|on|with|when|after|since|all|at|by|from|is|are|of|do|have|or|"
            r"if|as|to|not|than|so|then|into|about|over|under|like|once|while|because|that|what|who|where|how|"
            r"why|was|were|has|had|can|will|would|could|should|may|both|some|one|two|see|read|discover|meet|"
            r"enjoy|join|track|celebrate|explore|get|try|shop|save|win|learn|watch|love|manage|view|rate|unlock|"
            r"welcome|thank|congrats|before|until|during|without|above|below|between|despite|half|most|none|only|"
            r"even|also|just|still|now|here|there|hello|dear|hi|hey|got|sent|saw|met|made|put|did|same|open|"
            r"clear|click|press|select|choose|type|enter|log|wish|hope|miss|guess|perhaps|maybe|per|via|inside|"
            r"outside|near|against|unlike|within|across|through|along)\b)[a-z]{3,9}(?<!s)(?<!ed)(?<!ing)(?<!ly) "
            r"(?:the|both|all|this|these|those|our|my|me|us|it|them|him|her|your|each) (?!(?:is|are|was|were|has|"
            r"have)\b)\w"
        ),
    ),
    "do not forget": (
        2.5,
        (
            r"\b(?:don['’]t forget|do not forget|remember to|make sure|be sure to|see to it|take care of|look "
            r"after|keep in mind)\b"
        ),
    ),
    "may you": (
        2.5,
        (
            r"\b(?:can|could|would|will|may|might|shall|should) (?:you|we|i|someone|somebody|anyone|one of you|"
            r"your team|the team)\b(?!(?: be| have been)? (?:able to )?(?:see|find|enjoy))|\bwould (?:you "
            r")?mind\b|\bare you (?:able|free|available|coming|willing|around)\b"
        ),
    ),
    "somebody has to": (
        2.5,
        (
            r"\b(?:someone|somebody|anyone|who|one of (?:us|you)|you|we|he|she|they|it|\w+s?) (?:will |'ll |’ll |"
            r"still |also )?(?:has to|have to|must(?! be| have)|need(?:s)? to|ought to|is to be|are to be)\b(?! "
            r"(?:kill|close|restart|reload|fix|redo|repeat|click|pair|type|re-?enter|re-?start|do nothing)\b)"
        ),
    ),
    "needs": (
        2,
        (
            r"\b(?:will|'ll|’ll|would|also|still)? ?(?:needs?|needed|requires?|wants?|wanted|requesting|"
            r"requested|ask(?:s|ed|ing)? for) (?!to do nothing|no\b|not\b)\w+"
        ),
    ),
    "to be done": (
        2,
        (
            r"\b(?:to be|must be|should be|needs?|has to be|have to be|can be|could be) (?:\w+ly )?(?:sent|"
            r"signed|paid|done|checked|reviewed|renewed|replaced|repaired|ordered|booked|updated|returned|filled|"
            r"prepared|delivered|collected|cleaned|approved|submitted|settled|cancelled|changed|moved|fixed by|"
            r"replacing|renewing|signing|checking|repairing|back)\b"
        ),
    ),
    "would like": (
        2.5,
        (
            r"\b(?:i|we|they|he|she)(?:['’]d| would)? (?:like|love|prefer|appreciate|be (?:grateful|glad|happy|"
            r"pleased|honou?red|delighted))\b(?! (?:version|the new|it\b|this|that|your|how))|\bwould (?:like|"
            r"love|appreciate|be (?:grateful|\w+))\b|\b(?:i|we) want(?:ed)? (?:to|you|a|an|the)\b|\b(?:wondering|"
            r"wondered) (?:if|whether)\b"
        ),
    ),
    "wish": (
        2.5,
        (
            r"\bwould (?:save|help|make|allow|let|mean|speed)\b|\b(?:i|we) (?:wish|miss|suggest|propose)\b|\bany "
            r"(?:plans|chance|news|update|progress|idea)\b|\bcould use\b|\bit would\b|\bwhat about (?:a|an|"
            r"adding)\b|\bhow about\b|\bplease consider\b|\bwish ?list\b"
        ),
    ),
    "interest": (
        2,
        (
            r"\b(?:interested in|looking for|in search of|hoping (?:to|for|you)|hope to|planning to|apply for|"
            r"applying for|my application|inquiry|enquiry|available for an? (?:interview|call|chat)|how much|"
            r"what (?:would|does) (?:it|that|this) cost|minimum order|price list|prices? for)\b"
        ),
    ),
    "deadline": (
        2,
        (
            r"\b(?:by|before|until|till|no later than|not later than|latest by|in time for|due(?: on| by)?|"
            rf"ready for|by the) {WHEN}|\b(?:at the latest|within (?:\d+|two|three|seven|ten|fourteen|\w+) "
            r"(?:\w+ )?(?:days|weeks|hours)|end of (?:the |this )?(?:day|week|month|quarter|year)|eod|cob|"
            r"asap)\b"
        ),
    ),
    "runs out": (
        2,
        (
            r"\b(?:runs? out|running out|expir(?:es|ing|ed on)|lapses?|falls? due|is due|are due|overdue|"
            r"outstanding|ends on|comes to an end|up for renewal)\b"
        ),
    ),
    "your turn": (
        2,
        (
            r"\b(?:your (?:feedback|thoughts|input|approval|signature|decision|opinion|advice|answer|reply|"
            r"response|consent|turn|call(?=[.!?]|$)|help|availability|comments)|over to you|you decide|what do "
            r"you think|waiting (?:for|on) (?:you|your)|you are the one|you['’]re the one|up to you|let (?:me|us|"
            r"him|her|them) know|get back to|for (?:your )?(?:signature|approval|review))\b"
        ),
    ),
    "waiting": (
        2,
        (
            r"\b(?:(?:am|are|been|we're|i'm) (?:still )?waiting for (?!(?:the|a|my|your) (?:\w+ )?(?:e?-?mail|"
            r"code|link|sms|text|page|screen)\b)|have(?:n't| not) (?:yet )?(?:heard|received)|warte\w* (?:noch |"
            r"immer noch )?auf|j'attends|nous attendons|estoy esperando|sigo esperando|sto aspettando|aspettiamo|"
            r"estou à espera|wacht\w* (?:nog )?op|czeka(?:m|my) na|жд(?:у|ём|ем)\b)"
        ),
    ),
    "application": (
        2,
        (
            r"\b(?:my (?:cv|résumé|resume)|solliciteer|bewerbe mich|bewerbung|je postule|ma candidature|mi "
            r"candidatura|la mia candidatura|me postulo|minha candidatura|mijn cv|moje cv|откликаюсь)\b"
        ),
    ),
    "worth doing": (
        2,
        (
            r"\b(?:worth (?!it\b)\w+ing|in need of|could (?:it|they|this|that) (?:please )?be|if it turns up|"
            r"would (?:fix|solve|cover|improve|reduce|benefit)|it(?:'s| is) (?:hard|difficult|tedious|"
            r"cumbersome) to|(?:draft|form|contract|offer|document)s? attached|yes or no|send me|time for your|"
            r"must (?:name|send|submit|provide|bring|sign|return|pay))\b"
        ),
    ),
    "we need": (
        2,
        r"\b(?:we|i) (?:still |also |urgently |only )?(?:need|require) (?:a|an|the|your|you|from|\w+ copy)\b",
    ),
    "open points": (
        2,
        (
            r"\b(?:(?:points?|items?|questions?|things?|matters?|issues?) (?:\w+ )?(?:is|are) still open|still "
            r"open|open (?:points|items|questions)|to-?dos?|action items?|(?:from|on) your (?:side|end|part)|it "
            r"would take|let (?:us|me) have|we (?:expect|await|look forward to (?:your|hearing|receiving))|look "
            r"forward to (?:your|hearing|receiving)|i expect (?:a|an|you|your))\b"
        ),
    ),
    "enough": (
        1.5,
        (
            r"\b(?:(?:a|an|any|one|half) [^.?!]{2,40}(?:is|will|would) (?:be )?(?:fine|enough|do|suffice|plenty|"
            r"ok)(?=[.!,]|$)|can only (?:go|be|start|happen|take place|proceed)|(?:only|not) (?:once|until|"
            r"before) (?:we|i|you)(?:'ve| have)?|unless (?:it|we|you|i|the))\b"
        ),
    ),
    "proposal": (
        1.5,
        (
            r"\b(?:shall we|let['’]s (?:meet|talk|speak|have|set|schedule|plan|do|move|discuss)|suits? (?:you|me|"
            r"us)|works? for (?:you|me|us)|meet (?:up|on|at|next)|catch up|free (?:on|at|for|next|this|tomorrow)|"
            r"have (?:a )?(?:call|chat|coffee|lunch))\b"
        ),
    ),
    "remedy": (
        1.5,
        (
            r"\b(?:refund|reimburse\w*|exchange it|replacement|my money back|compensat\w+|credit note|complaint|"
            r"how do (?:i|we) (?:proceed|return|get|cancel|change)|cancel (?:my|our|the)|close my account|delete "
            r"my|unsubscribe me|change (?:my|our) (?:address|plan|name|booking|order))\b"
        ),
    ),
}
