"""The console: a page in the browser, which `hecate console` opens.

What the page is made of is in ``assets``; the repository's ``console`` folder has its sources.
"""
