"""Gradio's variables, said in the page's own tokens; `assets/page/shell.css` has their values."""

from typing import Any

import gradio as gr

_TOKENS = {
    "body_background_fill": "var(--paper)",
    "body_text_color": "var(--ink)",
    "body_text_color_subdued": "var(--muted)",
    "background_fill_primary": "var(--card)",
    "background_fill_secondary": "var(--paper)",
    "border_color_primary": "var(--line)",
    "border_color_accent": "var(--accent)",
    "border_color_accent_subdued": "var(--line)",
    "color_accent_soft": "var(--accent-soft)",
    "link_text_color": "var(--accent)",
    "link_text_color_hover": "var(--accent)",
    "link_text_color_active": "var(--accent)",
    "link_text_color_visited": "var(--accent)",
    "block_background_fill": "var(--card)",
    "block_border_color": "var(--line)",
    "block_info_text_color": "var(--muted)",
    "block_label_background_fill": "transparent",
    "block_label_border_color": "transparent",
    "block_label_text_color": "var(--muted)",
    "block_title_text_color": "var(--ink)",
    "panel_background_fill": "var(--card)",
    "panel_border_color": "var(--line)",
    "accordion_text_color": "var(--ink)",
    "table_text_color": "var(--ink)",
    "table_border_color": "var(--line)",
    "table_even_background_fill": "var(--card)",
    "table_odd_background_fill": "var(--paper)",
    "table_row_focus": "var(--accent-soft)",
    "checkbox_background_color": "var(--card)",
    "checkbox_background_color_hover": "var(--card)",
    "checkbox_background_color_focus": "var(--card)",
    "checkbox_background_color_selected": "var(--accent)",
    "checkbox_border_color": "var(--edge)",
    "checkbox_border_color_hover": "var(--edge)",
    "checkbox_border_color_focus": "var(--accent)",
    "checkbox_border_color_selected": "var(--accent)",
    "checkbox_label_background_fill": "var(--card)",
    "checkbox_label_background_fill_hover": "var(--accent-soft)",
    "checkbox_label_background_fill_selected": "var(--accent-soft)",
    "checkbox_label_border_color": "var(--line)",
    "checkbox_label_border_color_hover": "var(--line)",
    "checkbox_label_border_color_selected": "var(--accent)",
    "checkbox_label_text_color": "var(--ink)",
    "checkbox_label_text_color_selected": "var(--ink)",
    "error_background_fill": "var(--warn-bg)",
    "error_border_color": "var(--warn-ink)",
    "error_text_color": "var(--warn-ink)",
    "error_icon_color": "var(--warn-ink)",
    "input_background_fill": "var(--card)",
    "input_background_fill_focus": "var(--card)",
    "input_border_color": "var(--edge)",
    "input_border_color_hover": "var(--edge)",
    "input_border_color_focus": "var(--accent)",
    "input_placeholder_color": "var(--muted)",
    "stat_background_fill": "var(--accent)",
    "code_background_fill": "var(--paper)",
    "button_primary_background_fill": "var(--accent)",
    "button_primary_background_fill_hover": "var(--accent)",
    "button_primary_border_color": "var(--accent)",
    "button_primary_border_color_hover": "var(--accent)",
    "button_primary_text_color": "var(--accent-ink)",
    "button_primary_text_color_hover": "var(--accent-ink)",
    "button_secondary_background_fill": "var(--card)",
    "button_secondary_background_fill_hover": "var(--accent-soft)",
    "button_secondary_border_color": "var(--line)",
    "button_secondary_border_color_hover": "var(--line)",
    "button_secondary_text_color": "var(--ink)",
    "button_secondary_text_color_hover": "var(--ink)",
    "button_cancel_background_fill": "var(--card)",
    "button_cancel_background_fill_hover": "var(--warn-bg)",
    "button_cancel_border_color": "var(--line)",
    "button_cancel_border_color_hover": "var(--warn-ink)",
    "button_cancel_text_color": "var(--warn-ink)",
    "button_cancel_text_color_hover": "var(--warn-ink)",
}

# The same in light and dark.
_SHAPES = {
    "color_accent": "var(--accent)",
    "slider_color": "var(--accent)",
    "loader_color": "var(--accent)",
    "block_border_width": "1px",
    "block_label_border_width": "0px",
    "block_radius": "var(--radius)",
    "container_radius": "var(--radius)",
    "block_shadow": "none",
    "input_border_width": "1px",
    "input_radius": "12px",
    "button_large_radius": "999px",
    "button_medium_radius": "999px",
    "button_small_radius": "999px",
    "button_transform_hover": "none",
    "button_transform_active": "none",
    "layout_gap": "16px",
}

# None is downloaded: what each system reads best, Chinese included.
_FONTS = ["system-ui", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "sans-serif"]


def theme() -> gr.themes.Base:
    """The page's theme; what is the same in light and dark is so because the tokens differ."""
    values: dict[str, Any] = {**_TOKENS, **{f"{key}_dark": one for key, one in _TOKENS.items()}}
    mono = ["ui-monospace", "monospace"]
    return gr.themes.Base(font=_FONTS, font_mono=mono).set(**values, **_SHAPES)
