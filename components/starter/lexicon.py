"""Everyday words with a mood or a topic, for sentences about what no drawing shows.

Drawn texts use few words. These widen the text encoder's vocabulary, so that a stranger's post at least moves its
vector in the right direction. Written for this project; no list was copied.
"""


def _words(text: str) -> list[str]:
    return text.split()


POSITIVE = _words("""
good great nice lovely wonderful amazing awesome beautiful brilliant excellent fantastic superb perfect pleasant
delightful charming gorgeous stunning splendid magnificent marvelous incredible terrific fabulous outstanding
impressive enjoyable fun funny happy glad pleased joyful cheerful delighted thrilled excited grateful thankful
proud calm peaceful relaxed cosy cozy warm bright fresh tasty delicious yummy sweet kind friendly helpful
generous clever smart lucky blessed hopeful inspiring refreshing comfortable clean smooth easy fast reliable
safe strong winning successful victorious golden magical dreamy adorable cute favorite favourite best better
remarkable memorable unforgettable uplifting soothing lively vibrant radiant sunny graceful elegant rewarding
satisfying wholesome worthwhile flawless healthy thoughtful welcoming playful
""")
NEGATIVE = _words("""
bad awful terrible horrible poor dreadful disappointing disappointed sad unhappy miserable gloomy dull boring
tedious tired exhausted annoying annoyed angry furious upset frustrated frustrating stressful worried anxious
scared afraid lonely bitter cold wet soggy muddy dirty filthy broken ruined useless worthless pointless painful
hurt sick ill ugly nasty rude mean unfair slow late delayed cancelled canceled lost losing failed failing
crowded noisy loud expensive overpriced stale bland tasteless burnt rotten disgusting gross depressing dreary
bleak grim hopeless sorry ashamed embarrassing dangerous unsafe weak lazy stupid ridiculous worst worse
regrettable tragic heartbreaking shocking wrong faulty unreliable uncomfortable bruised empty dismal lousy
unbearable unpleasant hostile corrupt cruel chaotic messy
""")
LIKES = _words("love like enjoy adore admire appreciate recommend treasure cherish celebrate")
DISLIKES = _words("hate dislike regret despise dread loathe resent avoid miss fear")
GLAD_MARKS = _words("😀 😃 😄 😊 😍 🥰 🎉 ❤️ 👍 🙌 ✨ 😎 💪 🌞 :) :D <3")
SAD_MARKS = _words("😞 😢 😭 😡 😠 👎 💔 😩 😒 🙁 😤 🤢 :( :/ :'(")

TOPIC_WORDS = {
    "travel": """
        trip journey holiday vacation flight airport hotel passport luggage suitcase road map tourist island
        cruise train station ticket backpack tent camping camp hostel border souvenir itinerary sailing voyage
        caravan van resort getaway adventure lighthouse sailboat balloon cabin destination abroad roadtrip
        sightseeing travel traveler ferry
    """,
    "nature": """
        tree forest flower garden river waterfall mountain valley leaf leaves blossom meadow sunrise sunset moss
        rain cloud sky sea ocean wave dune cactus mushroom sunflower lily pine snow ice wilderness landscape
        nature climate soil seed plant hill cliff canyon breeze horizon autumn spring glacier reef bloom
        wildflower
    """,
    "food": """
        coffee cake bread soup pasta pizza burger salad cheese chocolate breakfast lunch dinner recipe kitchen
        chef restaurant cafe menu dish pot pan fruit apple pumpkin tomato vegetable meal snack dessert tea cup
        wine beer sandwich rice noodle bakery croissant cookie picnic basket cooking baking food taste flavor
        spice pie pancake fish
    """,
    "sport": """
        match game team goal score coach player ball football soccer basketball tennis race runner marathon gym
        workout training league cup season stadium fans referee ski skier sled surf surfboard kayak bicycle bike
        cycling swim swimming boxing golf hockey athlete champion tournament final win sport baseball playoff kite
        yoga fitness
    """,
    "music": """
        song album band concert guitar drums piano violin singer stage tour playlist melody rhythm chorus lyrics
        vinyl record jazz rock opera orchestra choir festival dj beat tune gig microphone speaker amp encore
        musician music sing singing dance soundtrack symphony trumpet saxophone keyboard
    """,
    "city life": """
        street traffic bus taxi tram subway metro downtown city neighborhood apartment rent building skyscraper
        tower bridge sidewalk crossing shop store mall market office commute rush hour neon lights skyline crowd
        square museum gallery theater cinema nightlife bar rooftop corner newsstand lamp district urban mayor
        parking
    """,
    "animals": """
        dog cat puppy kitten horse cow goat sheep fox deer bear bird duck swan seagull camel rabbit squirrel owl
        eagle whale dolphin turtle frog butterfly bee pet zoo wildlife animal paw tail feather nest fur vet
        shelter herd lion tiger elephant monkey hamster pony chicken pig parrot
    """,
}

SCENE_WORDS = {
    "beach": "beach shore sand coast seaside surf",
    "mountains": "mountains mountain peak summit alps ridge",
    "forest": "forest woods woodland trees grove",
    "snow": "snow ski slope winter snowy frost",
    "desert": "desert dunes sahara oasis dune",
    "field": "field meadow farm farmland countryside pasture",
    "lake": "lake lakeside pond lakeshore",
    "harbour": "harbour harbor port pier dock marina quay",
    "city by day": "downtown street avenue city",
    "city by night": "neon nightlife skyline midnight",
    "stadium": "stadium arena pitch stands",
    "kitchen": "kitchen stove oven counter",
    "cafe": "cafe coffeehouse espresso barista",
    "concert": "concert gig stage encore",
}

SMALL = _words("""
the a an i we you they it this that of to in on at for from with about as is are was were be been will would can could
do does did have has had and or but so if when while then than there here now just also only some any all more most
other what who how why where which not no my our your their his her
""")

OTHER = _words("""
meeting email invoice report phone laptop update software server password form office election policy debate
minister senator president court law tax bill vote economy market price stock bank loan budget job interview
boss school exam homework teacher student university lecture book chapter novel movie show series episode news
article headline photo video camera screen app website link account package delivery order box letter neighbor
neighbour family friend brother sister mother father kid baby birthday wedding house sofa window door wall paint
car engine wheel fuel insurance hospital doctor nurse medicine therapy weather forecast week month year morning
evening weekend monday tuesday wednesday thursday friday plan list project deadline team question answer idea
problem thing people crowd story opinion service staff company product device
""")
