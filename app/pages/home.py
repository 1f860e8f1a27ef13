"""Home: why a token should reach any other in one step, on the learner's own sentence."""

from app import selection
from app.lessons import lesson
from app.sentence import choose_word, sentence
from app.widgets import lesson as blocks
from app.widgets import page, picture, waiting

WORDS = lesson("home")
page.head("home", WORDS)

model_id, text = selection.model_id(), selection.text()
trace = waiting.trace(model_id, text, height=320)
here = sentence(model_id, text)
word = selection.whole_number("word", len(here.words), "word", start=here.start)
picture.show("sentence", here.payload(word), key="sentence", answers={"word": choose_word})
blocks.try_this(here.suggestions(word))
blocks.check_yourself(here.questions(word))
blocks.the_code(WORDS.code.format(model=model_id, text=text, kind=trace.kinds[0], word=word))
page.foot("home")
