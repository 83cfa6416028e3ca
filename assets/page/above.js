// The result card above a part that follows its answer: `changed` is called whenever the card has
// been answered or is older than what is asked.
const cardAbove = (id, changed) => {
  let seen = null;
  const observer = new MutationObserver(changed);
  const card = () => document.querySelector(`#${id} .result`);
  return {
    answered: () => {
      const above = card();
      return ['fits', 'none'].includes(above?.dataset.state) && !above.classList.contains('stale');
    },
    /** Begins to watch once the card is in the page; it is made anew at times. */
    observe: () => {
      const above = card();
      if (!above || above === seen) return;
      seen = above;
      observer.disconnect();
      observer.observe(above, { attributes: true, attributeFilter: ['class', 'data-state'] });
      observer.observe(above.querySelector('.list'), { childList: true });
    },
  };
};
