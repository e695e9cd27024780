"""Characters and places in other languages and in emoji, as the English words of the lexicons. Knows words only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_BY_ENGLISH = {
    "cat": ("katze kater gato gata gatto gatta chat chatte kat кот кошка кота кошки kedi kot gatinho кіт "
            "قط قطة बिल्ली kucing mèo"),
    "kitten": "kätzchen gatito chaton gattino котёнок котенок",
    "dog": ("hund perro perra chien chienne cachorro cão hond собака собаки пёс пес köpek pies كلب कुत्ता "
            "anjing chó"),
    "fox": "fuchs zorro renard volpe raposa лиса лисы лисица tilki ثعلب लोमड़ी rubah",
    "rabbit": ("hase kaninchen conejo lapin coniglio coelho konijn кролик заяц tavşan królik أرنب खरगोश "
               "kelinci"),
    "bear": "bär oso ours orso urso медведь ayı niedźwiedź دب भालू beruang",
    "bird": "vogel pájaro oiseau uccello pássaro птица птицы kuş ptak طائر पक्षी burung",
    "girl": ("mädchen niña chica fille fillette bambina ragazza menina meisje девочка девочки kız "
             "dziewczynka فتاة बच्ची लड़की"),
    "boy": "junge niño chico garçon bambino ragazzo menino jongen мальчик oğlan chłopiec ولد लड़का",
    "woman": "frau mujer femme donna mulher vrouw женщина kadın kobieta امرأة औरत",
    "man": "mann hombre homme uomo homem мужчина رجل आदमी",
    "robot": "roboter robô робот روبوت रोबोट",
    "astronaut": ("astronautin astronauta astronaute cosmonaute космонавт астронавт astronot kosmonauta "
                  "رائد अंतरिक्षयात्री"),
    "wolf": "lobo loup lupo волк wilk ذئب भेड़िया",
    "horse": "pferd caballo cheval cavallo cavalo лошадь koń حصان घोड़ा",
    "fish": "fisch pez poisson pesce peixe рыба balık ryba سمكة मछली",
    "mouse": "maus ratón souris topo мышь mysz فأر चूहा",
    "princess": "prinzessin princesa princesse principessa принцесса prenses księżniczka أميرة राजकुमारी",
    "forest": "wald bosque forêt bosco foresta floresta bos лес лесу orman lesie غابة जंगल hutan rừng",
    "meadow": "wiese prado prairie prato луг çayır łąka مرج",
    "beach": "strand playa plage spiaggia praia пляж plaj plaża شاطئ pantai",
    "sea": "meer mar mer mare zee море моря deniz morze بحر समुद्र laut biển",
    "city": "stadt ciudad ville città cidade stad город города şehir miasto مدينة शहर kota",
    "mountain": "berg montaña montagne montagna montanha гора горы dağ góra جبل पहाड़ gunung",
    "river": "fluss río rivière fiume rio река реки nehir rzeka نهر नदी sungai",
    "village": "dorf pueblo aldea villaggio vilarejo деревня köy wieś قرية गाँव desa",
    "home": ("heim haus zuhause hause hogar casa maison domicile thuis huis дом домой дома domu بيت منزل "
             "البيت घर rumah nhà"),
    "moon": "mond luna lune lua maan луна луне księżyc القمر قمر चाँद bulan",
    "desert": "wüste desierto désert deserto пустыня çöl pustynia صحراء",
    "island": "insel isla île isola ilha остров wyspa جزيرة",
    "castle": "schloss burg castillo château castello castelo замок zamek قلعة",
}
_UNSPACED = {
    "cat": "猫 貓 ねこ ネコ 고양이 แมว 🐱 🐈 😺",
    "dog": "狗 犬 いぬ 강아지 개가 개의 🐶 🐕",
    "fox": "狐 きつね キツネ 여우 🦊",
    "rabbit": "兔 うさぎ ウサギ 토끼 🐰 🐇",
    "bear": "熊 くま 곰 🐻",
    "bird": "鸟 鳥 とり 새가 새의 🐦 🕊",
    "wolf": "狼 늑대 🐺",
    "girl": "女孩 少女 女の子 소녀 👧",
    "boy": "男孩 少年 男の子 소년 👦",
    "robot": "机器人 機器人 ロボット 로봇 🤖",
    "astronaut": "宇航员 太空人 宇宙飛行士 우주비행사 🧑‍🚀 👩‍🚀 👨‍🚀",
    "princess": "公主 姫 공주 👸",
    "fish": "鱼 魚 물고기 🐟 🐠",
    "horse": "马 馬 말이 🐴 🐎",
    "mouse": "老鼠 ねずみ 생쥐 🐭",
    "dragon": "龙 龍 竜 용이 🐉 🐲",
    "whale": "鲸 鯨 クジラ 고래 🐳 🐋",
    "forest": "森林 森 숲 🌲 🌳",
    "beach": "海滩 海灘 浜 해변 🏖",
    "sea": "大海 海洋 海へ 海の 海を 바다 🌊",
    "city": "城市 都市 街 도시 🏙 🌆",
    "mountain": "山 산을 산에 🏔 ⛰",
    "river": "河 川 강을 강가",
    "village": "村 마을",
    "home": "家 집 บ้าน 🏠 🏡",
    "moon": "月球 月面 月へ 달에 🌙 🌕",
    "desert": "沙漠 砂漠 사막 🏜",
    "island": "岛 島 섬 🏝",
    "castle": "城堡 お城 성을 🏰",
    "spaceship": "飞船 宇宙船 우주선 🚀",
    "man": "老人",
}

_ALSO_ENGLISH = frozenset(["chat", "ours", "mare", "pies", "bos", "mar", "rio", "topo", "strand", "ville", "laut",
                           "hond", "luna"])
"""Words that an English logline may hold with another meaning: only read when no English word was understood."""


def _words(table: Mapping[str, str]) -> dict[str, str]:
    return {word: english for english, words in table.items() for word in words.split()}


SPACED: Mapping[str, str] = MappingProxyType(_words(_BY_ENGLISH))
"""Whole words of languages that put spaces between words -> English."""
UNSPACED: Mapping[str, str] = MappingProxyType(_words(_UNSPACED))
"""Signs of languages that put no spaces between words, and emoji -> English."""


def english_of(word: str, *, doubtful: bool) -> str | None:
    """Return the English word for a foreign one (lower case), or None.

    Args:
        word: one word, case folded.
        doubtful: whether words that are also English may be read as foreign.
    """
    if word in _ALSO_ENGLISH and not doubtful:
        return None
    found = SPACED.get(word)
    if found is None and word.startswith("ال"):
        found = SPACED.get(word.removeprefix("ال"))
    return found
