"""What authors write: things to talk about by topic, and ways to talk by sentiment."""

THINGS: dict[str, tuple[str, ...]] = {
    "travel": (
        "this road trip", "our weekend getaway", "the first day of our holiday", "the overnight ferry",
        "this little detour off the map", "our honeymoon", "the long drive up here", "my first solo trip",
        "the guided tour", "the trip we planned for two years", "the place we booked for the holidays",
        "day three of the journey", "our stopover here",
    ),
    "nature": (
        "this walk among the wild plants", "the spring bloom", "the nature reserve", "this quiet patch of wilderness",
        "the old trees out here", "the wildflower season", "this landscape", "the new conservation area",
        "an hour outside in nature", "the botanical walk", "the plant life along the trail", "this untouched valley",
    ),
    "food": (
        "this recipe", "our lunch", "the tasting menu", "grandma's cooking", "the catch of the day",
        "my first homemade dinner",
        "the new bakery's bread", "our picnic", "the harvest meal", "this dessert", "the street food here",
        "brunch with the whole family", "the dish of the week",
    ),
    "sport": (
        "today's training session", "the qualifying race", "our last match", "this season's first competition",
        "the team's performance", "my long-distance workout", "the tournament", "race day", "the new training plan",
        "the final round", "my comeback after the injury", "the practice run",
    ),
    "music": (
        "last night's gig", "our first live set", "the new song", "the band rehearsal", "this acoustic session",
        "the opening act", "our album recording", "the open-mic evening", "the tour finale", "this melody",
        "the jam session", "the soundcheck",
    ),
    "city life": (
        "my daily commute", "the new tram line", "life in our neighbourhood", "the main street after work",
        "the city council's traffic plan",
        "an evening downtown", "rush hour here", "the street market", "the apartment hunt in town",
        "the night out in the old town",
        "the local corner shop", "Saturday on the promenade",
    ),
    "animals": (
        "this animal encounter", "the newest member of the herd", "my four-legged companion", "feeding time",
        "the animal shelter visit", "our vet appointment", "this wildlife sighting", "the rescue animal we met",
        "the morning with the animals", "our furry or feathered neighbour", "the animal census",
        "the little creature in front of us",
    ),
}
"""Topic to noun phrases, all in the singular so that any frame can use them."""

FRAMES: dict[str, tuple[str, ...]] = {
    "positive": (
        "Still smiling about {thing}!", "I absolutely love {thing}.", "{Thing} was everything I hoped for.",
        "Best part of my week: {thing}.", "So grateful for {thing}.", "What a joy, {thing}!",
        "Could not be happier with {thing}.", "{Thing} made my day.", "Wow. {Thing} was simply wonderful.",
        "Ten out of ten for {thing}.", "My heart is full after {thing}.", "Proud and happy: {thing} went beautifully.",
        "If you get the chance, don't miss {thing}. Pure happiness!", "I would choose {thing} again in a heartbeat.",
        "Everybody was beaming after {thing}.", "Finally! {Thing} was worth every minute.",
    ),
    "neutral": (
        "A few notes on {thing}.", "Here is a picture from {thing}.", "{Thing}, as scheduled.",
        "Update on {thing}: details follow tomorrow.",
        "For the record: {thing}, photographed today.", "Question for you all: what do you know about {thing}?",
        "{Thing}. Part two comes next week.", "Documenting {thing} for the archive.",
        "Some facts about {thing} in the thread.",
        "That was {thing}. Next date to be announced.", "Filing {thing} under March.", "{Thing}, in one picture.",
        "Does anybody have the details for {thing}?", "Photo to go with {thing}, no filter, standard lens.",
    ),
    "negative": (
        "So disappointed by {thing}.", "Honestly, {thing} was awful.",
        "I had such hopes, but {thing} was a complete letdown.",
        "Never again. {Thing} was a disaster.", "{Thing} ruined my whole day.",
        "Sad to say it, but {thing} was a waste of time.",
        "Frustrated and tired: {thing} went wrong from the start.", "I can't shake how miserable {thing} felt.",
        "What a shame. {Thing} fell apart.", "Really upset about {thing}.", "{Thing}? Worst decision of the month.",
        "Cold, fed up and angry about {thing}.", "I gave up early. {Thing} was unbearable.",
        "Not what we were promised: {thing} was terrible.",
        "I wanted to like {thing}. I didn't, it was painful.",
    ),
}
"""Sentiment to sentences; {thing} is a noun phrase, {Thing} the same with a capital."""

TAGS: dict[str, tuple[str, ...]] = {
    "travel": ("#travel", "#wanderlust", "#roadtrip", "#onthemove"),
    "nature": ("#nature", "#wild", "#outdoors", "#plants"),
    "food": ("#food", "#foodie", "#homemade", "#delicious"),
    "sport": ("#sport", "#training", "#raceday", "#teamspirit"),
    "music": ("#music", "#livemusic", "#onstage", "#songwriting"),
    "city life": ("#citylife", "#urban", "#streetlife", "#downtown"),
    "animals": ("#animals", "#wildlife", "#petsofinstagram", "#creatures"),
}
EMOJI: dict[str, tuple[str, ...]] = {
    "positive": ("😍", "🎉", "❤️", "😊", "✨", "🙌"),
    "neutral": ("📷", "📍", "📝", "🗓️"),
    "negative": ("😞", "😡", "💔", "😩", "👎", "😢"),
}
MENTIONS = ("@lena.outside", "@marco_k", "@studio.nord", "@thewanderbus", "@aunt_rosa", "@jonas.w")

SKIES: dict[str, dict[str, tuple[str, ...]]] = {
    "positive": {
        "clear": ("And that light!", "Not a cloud to worry about.", "The sky joined in."),
        "cloudy": ("Clouds? Did not matter one bit.",),
        "rain": ("Even the rain could not spoil it.", "Soaked and laughing."),
        "fog": ("The mist made it magical.",),
        "snowfall": ("Snowflakes included, like in a film.",),
    },
    "neutral": {
        "clear": ("Clear sky.", "Dry, light wind."),
        "cloudy": ("Overcast today.", "Cloud cover all day."),
        "rain": ("Rain until evening.", "Wet, as forecast."),
        "fog": ("Visibility about two hundred metres.",),
        "snowfall": ("Snow since noon.",),
    },
    "negative": {
        "clear": ("Nice weather does not fix it.", "At least it was dry."),
        "cloudy": ("Grey outside, grey inside.",),
        "rain": ("And then it rained on top of it.", "Drenched to the bone, of course."),
        "fog": ("And we could not see a thing.",),
        "snowfall": ("And our feet froze.",),
    },
}
"""A second sentence about the weather, coloured by the sentiment."""

SAYS_NOTHING = (
    "", "", "", "Today.", "📷", "No words.", "Another one for the collection.", "Picture of the day", "…",
    "#photooftheday", "Posting this here.", "Monday.", "You know where this is.", "1/3", "Swipe.",
)
"""Text from which neither topic nor sentiment can be read: the picture has to tell."""
