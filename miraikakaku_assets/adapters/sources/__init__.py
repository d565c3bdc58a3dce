"""Where bars and stock lists come from, a folder per vendor; at the top only what vendors share.

What arrives is translated, never judged: validation belongs to `domain.bars`.
"""
