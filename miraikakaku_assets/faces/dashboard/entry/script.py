"""What Streamlit runs for every look at the dashboard."""

from miraikakaku_assets.faces.dashboard.shell import show

show()
