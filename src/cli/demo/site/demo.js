// The demo shop's own consent choice. It remembers the answer itself; the tracker stores nothing.
(() => {
  const choice = document.getElementById('choice');
  const remembered = localStorage.getItem('demo-choice');
  const tell = (yes) => window.sillage('consent', yes);

  const decide = (yes) => {
    localStorage.setItem('demo-choice', yes ? 'yes' : 'no');
    choice.hidden = true;
    tell(yes);
  };
  document.getElementById('yes').addEventListener('click', () => decide(true));
  document.getElementById('no').addEventListener('click', () => decide(false));
  document.getElementById('reconsider').addEventListener('click', () => {
    choice.hidden = false;
    document.getElementById('yes').focus();
  });
  for (const button of document.querySelectorAll('button[data-bean]')) {
    button.addEventListener('click', () => {
      window.sillage('Add to basket', { props: { bean: button.dataset.bean } });
      button.textContent = 'In your basket';
    });
  }

  if (remembered === null) choice.hidden = false;
  else tell(remembered === 'yes');
})();
