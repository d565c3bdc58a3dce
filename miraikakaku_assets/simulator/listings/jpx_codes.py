"""Classifications of the JPX list and how often each occurs.

Counted in the list of 2025-09-30 (4,403 issues). They weigh the draw, so that a generated list has the
proportions of a real one.
"""

from typing import NamedTuple


class Sector(NamedTuple):
    """One of the 33 sectors with the one of the 17 it belongs to."""

    code33: int
    name33: str
    code17: int
    name17: str
    issues: int


SECTORS = (
    Sector(50, "水産・農林業", 1, "食品", 12),
    Sector(1050, "鉱業", 2, "エネルギー資源", 5),
    Sector(2050, "建設業", 3, "建設・資材", 166),
    Sector(3050, "食料品", 1, "食品", 127),
    Sector(3100, "繊維製品", 4, "素材・化学", 49),
    Sector(3150, "パルプ・紙", 4, "素材・化学", 25),
    Sector(3200, "化学", 4, "素材・化学", 206),
    Sector(3250, "医薬品", 5, "医薬品", 81),
    Sector(3300, "石油・石炭製品", 2, "エネルギー資源", 11),
    Sector(3350, "ゴム製品", 6, "自動車・輸送機", 18),
    Sector(3400, "ガラス・土石製品", 3, "建設・資材", 52),
    Sector(3450, "鉄鋼", 7, "鉄鋼・非鉄", 39),
    Sector(3500, "非鉄金属", 7, "鉄鋼・非鉄", 33),
    Sector(3550, "金属製品", 3, "建設・資材", 88),
    Sector(3600, "機械", 8, "機械", 220),
    Sector(3650, "電気機器", 9, "電機・精密", 235),
    Sector(3700, "輸送用機器", 6, "自動車・輸送機", 87),
    Sector(3750, "精密機器", 9, "電機・精密", 53),
    Sector(3800, "その他製品", 10, "情報通信・サービスその他", 106),
    Sector(4050, "電気・ガス業", 11, "電力・ガス", 28),
    Sector(5050, "陸運業", 12, "運輸・物流", 60),
    Sector(5100, "海運業", 12, "運輸・物流", 11),
    Sector(5150, "空運業", 12, "運輸・物流", 5),
    Sector(5200, "倉庫・運輸関連業", 12, "運輸・物流", 33),
    Sector(5250, "情報・通信業", 10, "情報通信・サービスその他", 626),
    Sector(6050, "卸売業", 13, "商社・卸売", 305),
    Sector(6100, "小売業", 14, "小売", 348),
    Sector(7050, "銀行業", 15, "銀行", 78),
    Sector(7100, "証券、商品先物取引業", 16, "金融（除く銀行）", 39),
    Sector(7150, "保険業", 16, "金融（除く銀行）", 16),
    Sector(7200, "その他金融業", 16, "金融（除く銀行）", 41),
    Sector(8050, "不動産業", 17, "不動産", 152),
    Sector(9050, "サービス業", 10, "情報通信・サービスその他", 581),
)

PRIME = "プライム（内国株式）"
STANDARD = "スタンダード（内国株式）"
GROWTH = "グロース（内国株式）"
FUND = "ETF・ETN"
PRO = "PRO Market"
REIT = "REIT・ベンチャーファンド・カントリーファンド・インフラファンド"

MARKETS = (
    (PRIME, 1615),
    (STANDARD, 1565),
    (GROWTH, 602),
    (FUND, 402),
    (PRO, 149),
    (REIT, 63),
    ("スタンダード（外国株式）", 2),
    ("グロース（外国株式）", 2),
    ("出資証券", 2),
    ("プライム（外国株式）", 1),
)

WITHOUT_SECTOR = frozenset({FUND, REIT, "出資証券"})

# Code, name and count of each size class; other markets have none.
SIZES_BY_MARKET: dict[str, tuple[tuple[int | None, str, int], ...]] = {
    PRIME: (
        (1, "TOPIX Core30", 31),
        (2, "TOPIX Large70", 70),
        (4, "TOPIX Mid400", 393),
        (6, "TOPIX Small 1", 479),
        (7, "TOPIX Small 2", 594),
        (None, "-", 48),
    ),
    STANDARD: ((4, "TOPIX Mid400", 2), (6, "TOPIX Small 1", 7), (7, "TOPIX Small 2", 96), (None, "-", 1460)),
}
# TOPIX500, the issues with fine ticks.
FINE_TICK_SIZES = frozenset({"TOPIX Core30", "TOPIX Large70", "TOPIX Mid400"})


class Words(NamedTuple):
    """Parts of invented names."""

    heads: tuple[str, ...]
    between: str
    tails: tuple[str, ...]


COMPANY_WORDS = Words(
    heads=(
        "東洋", "日本", "大和", "極東", "三興", "中央", "北陸", "関西", "東海", "日東", "太平洋", "富岳",
        "旭", "昭和", "明和", "新光", "瑞穂", "信越", "山陽", "九州", "帝都", "青葉", "若葉", "共立",
        "ＡＢＣ", "ＫＮＧ", "ＳＴＭ", "ネクスト", "フューチャー", "グローバル", "アクティブ", "ライフ",
    ),
    between="",
    tails=(
        "電機", "化学", "製作所", "建設", "食品", "製薬", "商事", "物産", "精機", "工業", "不動産",
        "証券", "銀行", "海運", "鉄道", "通信", "システムズ", "ソリューションズ", "ホールディングス",
        "グループ", "\u3000ホールディングス", "\u3000グループ本社", "テクノロジー", "サービス",
    ),
)  # fmt: skip
FUND_WORDS = Words(
    heads=(
        "ｉシェアーズ", "ＮＥＸＴ\u3000ＦＵＮＤＳ", "上場インデックスファンド", "グローバルＸ",
        "ｉＦｒｅｅＥＴＦ",
    ),
    between="\u3000",
    tails=(
        "ＴＯＰＩＸ", "日経２２５", "Ｓ＆Ｐ５００\u3000ＥＴＦ", "米国債７－１０年", "ＪＰＸ日経４００",
        "金価格連動", "ＮＡＳＤＡＱ１００", "超短期米国債\u3000ＥＴＦ", "高配当日本株", "東証ＲＥＩＴ指数",
    ),
)  # fmt: skip
